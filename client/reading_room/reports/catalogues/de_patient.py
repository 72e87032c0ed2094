"""German labels and fixed sentences of the patient's report, with the keys of `en_patient.py`.

No native clinician has read this file yet.
"""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "patient.title": "Die Aufnahme von Ihrem Gehirn",
    "patient.subtitle": "Ein Bericht in einfachen Worten. Bitte lesen Sie ihn mit Ihrem Team in der Klinik.",
    "patient.about.released": "Freigegeben",
    "patient.about.released_text": "von {user}, {at}",
    "patient.not_released": "NICHT FREIGEGEBEN: nur zur Ansicht für Ärztinnen und Ärzte",
    "patient.not_released_text": (
        "Geben Sie diesen Text nicht weiter. Erst muss er von einer Ärztin oder einem Arzt signiert und freigegeben "
        "sein."
    ),
    "patient.first": "Lesen Sie das zuerst",
    "patient.first_text": (
        "Ein Programm hat Ihre Bilder gelesen. Es dient der Forschung. Es kann sich irren. Es kennt Sie nicht als "
        "Mensch. Ihr Team weiß mehr als dieser Text."
    ),
    "patient.section.picture": "Ein Bild aus Ihrer Aufnahme",
    "patient.section.measured": "Was gemessen wurde",
    "patient.section.unknown": "Was man nicht weiß",
    "patient.section.questions": "Fragen, die Sie Ihrem Team stellen können",
    "patient.section.words": "Wörter, die hier stehen",
    "patient.picture": (
        "Eine Schicht aus Ihrer Aufnahme, von unten gesehen. Die Linie zeigt den Bereich, den das Programm markiert "
        "hat. R ist Ihre rechte und L Ihre linke Seite."
    ),
    "patient.picture_empty": (
        "Eine Schicht aus Ihrer Aufnahme, von unten gesehen. Das Programm hat keinen Bereich markiert."
    ),
    "patient.picture_alt": "Eine Schicht des Kopfes mit einer dünnen Linie um den markierten Bereich.",
    "patient.measured.caption": "Größen, die das Programm gefunden hat",
    "patient.measured.wt": "Ganzer Bereich, der anders aussieht",
    "patient.measured.tc": "Innerer Teil davon",
    "patient.measured.et": "Teil, der mit Kontrastmittel hell wird",
    "patient.measured.longest": "Längste Strecke durch den ganzen Bereich",
    "patient.measured.side": "Seite des Kopfes",
    "patient.measured.open": "ließ sich nicht messen",
    "patient.measured.zero": "nichts markiert",
    "patient.measured.about": "etwa {value}",
    "patient.measured.note": (
        "Alle Größen sind grob. mL heißt Milliliter. Ein Teelöffel fasst etwa 5 mL. mm heißt Millimeter."
    ),
    "patient.question.1": "Was sehen Sie auf meinen Bildern?",
    "patient.question.2": "Sehen Sie es so wie das Programm?",
    "patient.question.3": "Was könnte es sonst sein?",
    "patient.question.4": "Muss man Gewebe prüfen? Wie geht das?",
    "patient.question.5": "Wann weiß ich mehr, und wer sagt es mir?",
    "patient.question.6": "Was kann ich tun, wenn es mir schlechter geht?",
    "patient.question.7": "Wen kann ich anrufen, wenn ich noch Fragen habe?",
    "patient.words.caption": "Wörter und was sie heißen",
    "patient.word.mri": "MRT",
    "patient.word.mri_text": "Ein Gerät, das Bilder aus dem Kopf macht. Es nutzt Magnete und keine Strahlen.",
    "patient.word.dye": "Kontrastmittel",
    "patient.word.dye_text": "Ein Stoff, der in eine Ader gegeben wird. Er macht manche Stellen im Bild heller.",
    "patient.word.tumour": "Tumor",
    "patient.word.tumour_text": "Ein Knoten aus Zellen, die dort nicht wachsen sollten.",
    "patient.word.glioma": "Gliom",
    "patient.word.glioma_text": "Ein Tumor, der im Gehirn selbst beginnt. Es gibt viele Arten.",
    "patient.word.tissue": "Probe",
    "patient.word.tissue_text": (
        "Ein kleines Stück vom Tumor wird entnommen und im Labor geprüft. Man nennt das auch Biopsie."
    ),
    "patient.word.gene": "Gen",
    "patient.word.gene_text": (
        "Ein Teil der Zelle. Er sagt ihr, was sie tun soll. Manche Gene helfen, den Tumor zu benennen."
    ),
    "patient.word.edema": "Schwellung",
    "patient.word.edema_text": "Mehr Wasser als sonst im Gehirn nahe am Tumor. Man nennt das auch Ödem.",
    "patient.word.team": "Team",
    "patient.word.team_text": "Die Menschen in der Klinik, die sich um Sie kümmern.",
}
