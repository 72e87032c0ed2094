"""German labels and fixed sentences of the clinician's report, with the keys of `en.py`.

No native clinician has read this file yet.
"""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    # frame
    "disclaimer": "Nur für Forschungszwecke. Kein Medizinprodukt.",
    "page": "Seite {page} von {pages}",
    "list": ", ",
    "colon": ": ",
    "yes": "ja",
    "no": "nein",
    "none": "keine",
    "range": "{low} bis {high}",
    "plus_minus": "± {value}",
    "day": "{day}.{month}.{year}",
    "moment": "{day}, {time} UTC",
    "not_known": "nicht bekannt",
    "not_measured": "nicht gemessen: {reason}",
    # head of the clinician's report
    "clinician.title": "Auswertung einer MRT des Gehirns",
    "clinician.subtitle": "Bericht für Ärztinnen und Ärzte: was ein Forschungsmodell nahelegt, mit seiner Unsicherheit",
    "about.patient": "Patient (Pseudonym)",
    "about.day": "Tag der Aufnahme",
    "about.site": "Klinik",
    "about.sequences": "Ausgewertete Sequenzen",
    "about.missing": "Fehlende Sequenzen",
    "about.model": "Modell",
    "about.revision": "Fassung",
    "about.revision_model": "{number}, vom Modell, {at}",
    "about.revision_person": "{number}, korrigiert von {user}, {at}",
    "about.state": "Status",
    "state.open": "NICHT SIGNIERT: vorläufig",
    "state.open_text": "Niemand hat diese Auswertung signiert. Sie ist die ungeprüfte Ausgabe eines Forschungsmodells.",
    "state.signed": "Signiert von {user}, {at}",
    "state.signed_text": "Für diese Fassung ärztlich signiert. Sie bleibt ein Forschungsergebnis.",
    "state.rejected": "VERWORFEN von {user}, {at}",
    "state.rejected_text": "Diese Auswertung wurde ärztlich verworfen. Nicht verwenden.",
    "state.outdated": "NICHT SIGNIERT: eine andere Fassung wurde signiert",
    "state.outdated_text": "Die geltende Signatur betrifft Fassung {number}; dieser Bericht zeigt eine andere.",
    "corrected": "Von einem Menschen korrigiert",
    "corrected_mask": "der Umriss wurde korrigiert",
    "corrected_labels": "Angaben wurden gesetzt: {labels}",
    "corrected_text": (
        "{user} hat Fassung {number} geändert: {what}. Die Messwerte gehören zum korrigierten Umriss; die "
        "Wahrscheinlichkeiten bleiben die des Modells."
    ),
    "corrected_text_labels": (
        "{user} hat Fassung {number} geändert: {what}. Umriss, Messwerte und Wahrscheinlichkeiten bleiben die des "
        "Modells."
    ),
    # verdict and abstentions
    "verdict.pass": "Prüfungen von Bildern und Ergebnis: alle bestanden",
    "verdict.not_assessable": "Prüfungen von Bildern und Ergebnis: einige waren nicht möglich",
    "verdict.warn": "Prüfungen von Bildern und Ergebnis: vor der Verwendung ansehen",
    "verdict.fail": "Prüfungen von Bildern und Ergebnis: NICHT BESTANDEN",
    "verdict.fail_text": (
        "Dem Ergebnis ist nicht zu trauen, bevor ein Mensch die Bilder angesehen hat. Die Prüfungen stehen unten."
    ),
    "verdict.warn_text": "Mindestens eine Prüfung fand etwas Ungewöhnliches. Die Prüfungen stehen unten.",
    "abstain.no_tumour": "Kein Tumor gefunden",
    "abstain.no_tumour_text": (
        "Es ist kein Tumor umrissen. Das schließt keinen aus. Über Typ oder Gene lässt sich nichts ablesen."
    ),
    "abstain.unlike": "Bilder anders als im Training",
    "abstain.unlike_text": (
        "Die Bilder gleichen denen der Trainingszentren nicht. Typ und Gene werden nicht gelesen; der Umriss kann "
        "falsch sein."
    ),
    "abstain.sequences": "Fehlende Sequenzen",
    "abstain.sequences_text": (
        "Ohne {sequences} sind einige Befunde nicht beurteilbar; sie sind mit dem Grund aufgeführt."
    ),
    "abstain.disagreement": "Durchläufe uneinig",
    "abstain.disagreement_text": (
        "Die stochastischen Durchläufe sind sich nicht einig, welcher Typ an erster Stelle steht: {types}."
    ),
    "abstain.rules": "Ergebnisse widersprechen sich",
    "notice": "Hinweis des Modells",
    # sections
    "section.narrative": "Zusammenfassung",
    "section.pictures": "Bilder",
    "section.diagnosis": "Diagnose in Ebenen",
    "section.types": "Durch Bildgebung nahegelegte Typen",
    "section.tasks": "Antworten auf einzelne Fragen",
    "section.volumes": "Volumina",
    "section.sizes": "Durchmesser und Lage",
    "section.signs": "Rand, T2-FLAIR-Mismatch und VASARI",
    "section.not_assessable": "Nicht beurteilbar",
    "section.without": "Was dies ändern würde",
    "section.checks": "Prüfungen von Bildern und Ergebnis",
    "section.differentials": "Differenzialdiagnosen",
    "section.tests": "Vorgeschlagene klärende Untersuchungen",
    "section.follow_up": "Verlauf",
    "section.comparison": "Vergleich mit früheren Untersuchungen",
    "section.figures": "Veröffentlichte Zahlen, auf Wunsch der lesenden Person",
    "section.model": "Über das Modell",
    "section.provenance": "Herkunft",
    # narrative
    "written_by.template": "Vom regelgebundenen Textbaustein-Programm aus den Befunden geschrieben.",
    "written_by.model": (
        "Von {name} aus den Befunden formuliert und Satz für Satz geprüft; Zahlen von diesem Programm eingesetzt."
    ),
    # pictures
    "plane.axial": "Axial",
    "plane.coronal": "Koronar",
    "plane.sagittal": "Sagittal",
    "picture.slices": "{planes} durch den größten Querschnitt, {sequence}. Linien: {lines}.",
    "picture.slices_empty": "{planes} durch die Mitte des Kopfes, {sequence}. Kein Tumor wurde umrissen.",
    "picture.line.wt": "gelb Gesamttumor",
    "picture.line.tc": "rot Tumorkern",
    "picture.line.et": "blau anreichernder Tumor",
    "picture.letters": "R und L sind rechts und links des Patienten.",
    "picture.uncertainty": (
        "Unsicherheit des Umrisses in denselben Schichten: prädiktive Entropie von 0 (dunkel) bis {most} nat (hell)."
    ),
    "picture.not_drawn": "Die Bilder konnten nicht gezeichnet werden: {reason}",
    # diagnosis
    "diagnosis.basis": "Grundlage",
    "diagnosis.reasons": "Begründung",
    "diagnosis.caption": "Die vier Ebenen nach WHO CNS5 (2021)",
    "diagnosis.flags": "Dazu zu wissen",
    "diagnosis.pathology": "Eingetragene Ergebnisse am Gewebe",
    "diagnosis.no_pathology": "Es wurde kein Ergebnis am Gewebe eingetragen.",
    "pathology.marker": "Marker",
    "pathology.value": "Ergebnis",
    "pathology.by": "Eingetragen von",
    "pathology.at": "Wann",
    # types
    "types.caption": (
        "Wahrscheinlichkeit jedes Typs; die Linie reicht vom 5. bis zum 95. Perzentil aus {passes} stochastischen "
        "Durchläufen"
    ),
    "types.caption_plain": (
        "Wahrscheinlichkeit jedes Typs; es gab keine stochastischen Durchläufe und daher kein Intervall"
    ),
    "types.type": "Typ",
    "types.probability": "Wahrscheinlichkeit",
    "types.interval": "Intervall",
    "types.none": "Es kann kein Typ nahegelegt werden: {reason}",
    "types.histology": (
        "Was das Mikroskop zeigen würde: Glioblastom mit einer Wahrscheinlichkeit von {value}, unabhängig von IDH."
    ),
    "types.histology_bounds": "Zusammen mit IDH-Wildtyp zwischen {low} und {high}.",
    "types.grade": "Ein ZNS-WHO-Grad wird nie aus Bildern abgelesen.",
    "types.uncalibrated": (
        "Nicht kalibriert: {tasks}. Diese Wahrscheinlichkeiten sind als Rangfolge zu lesen, nicht als Häufigkeiten."
    ),
    # tasks
    "task.histology": "Histologie",
    "task.idh": "IDH",
    "task.codel_1p19q": "1p/19q",
    "task.mgmt": "MGMT-Promotor",
    "class.histology.1": "Glioblastom",
    "class.idh.1": "mutiert",
    "class.codel_1p19q.1": "kodeletiert",
    "class.mgmt.1": "methyliert",
    "class.histology.0": "niedrigerer Grad",
    "class.idh.0": "Wildtyp",
    "class.codel_1p19q.0": "nicht kodeletiert",
    "class.mgmt.0": "nicht methyliert",
    "tasks.caption": "Wahrscheinlichkeit der genannten Antwort und ihre Unsicherheit",
    "tasks.question": "Frage",
    "tasks.answer": "Wahrscheinlichkeit für",
    "tasks.epistemic": "Zweifel des Modells",
    "tasks.aleatoric": "Zweifel im Bild",
    "tasks.calibrated": "Kalibriert",
    "tasks.note": (
        "Intervall: 5. bis 95. Perzentil über stochastische Durchläufe. Zweifel des Modells: Transinformation; Zweifel "
        "im Bild: erwartete Entropie; beide in nat, 0,693 ist das Höchste bei zwei Antworten. 1p/19q ist die "
        "Wahrscheinlichkeit für mutiert und kodeletiert zusammen."
    ),
    # what follows
    "differentials.caption": "Weitere Typen, die das Modell hinter den ersten reiht",
    "differentials.beyond": (
        "Das Modell kennt Gliome des Erwachsenenalters und sonst nichts. Metastase, Lymphom, Abszess, "
        "Demyelinisierung, Infarkt und andere Läsionen können auf diesen Sequenzen gleich aussehen; es kann sie nicht "
        "unterscheiden und gibt ihnen keine Wahrscheinlichkeit."
    ),
    "differentials.grade": (
        "Grad und Gene lassen sich aus Bildern nicht bestimmen; ein nahegelegter Typ ist keine Diagnose."
    ),
    "tests.none": "Keine offene Frage, die eine Untersuchung am Gewebe klären würde.",
    "tests.note": "Welche Untersuchung erfolgt, entscheidet das behandelnde Team.",
    "follow_up.compare": "Mit früheren Untersuchungen derselben Person vergleichen, wo es welche gibt.",
    "follow_up.repeat": (
        "Die Prüfungen legen nahe, {sequences} noch einmal anzusehen und die Sequenz bei Bedarf zu wiederholen."
    ),
    "follow_up.single": (
        "Zu Ansprechen oder Progress wird nichts gesagt; eine einzelne Auswertung erlaubt keine Aussage dazu."
    ),
    # comparison
    "comparison.caption": "Änderung seit früheren Untersuchungen; das Band ist das weiteste, das beide Fehler zulassen",
    "comparison.measure": "Messwert",
    "comparison.before": "Vorher",
    "comparison.now": "Jetzt",
    "comparison.change": "Änderung",
    "comparison.band": "Band",
    "comparison.resolved": "Jenseits des Fehlers",
    "comparison.baseline": "Gegen die erste Untersuchung ({study})",
    "comparison.nadir": "Gegen den kleinsten früheren Wert",
    "comparison.volume": "Volumen, {region}",
    "comparison.products": "Summe der Produkte, {region}",
    "comparison.longest_3d": "Längster Durchmesser, {region}",
    "comparison.refused": "Die Untersuchungen dürfen nicht verglichen werden",
    "comparison.note": "Keine RANO-Kategorie: Behandlung, Steroide und klinischer Zustand sind hier nicht bekannt.",
    "comparison.new_lesions": "Neue Läsionen",
    # figures of groups
    "figures.none": (
        "Zu diesem Fall gibt es keine. Zahlen werden nur zu einem Typ und einem einzigen Grad gezeigt, die am Gewebe "
        "bestimmt sind."
    ),
    "figures.figure": "Zahl",
    "figures.group": "Gruppe",
    "figures.source": "Quelle",
    "figures.source_text": "{title}. {journal} {year}; doi {doi}. {population}.",
    # model and provenance
    "model.caption": "Model Facts",
    "model.id": "Modell und Ausgabe",
    "model.task": "Was es tut",
    "model.task_text": (
        "Umreißt ein Gliom in der MRT Erwachsener vor Behandlung und gibt Wahrscheinlichkeiten für Histologie, IDH und "
        "1p/19q an."
    ),
    "model.input": "Eingabe",
    "model.input_text": "T1, T1c, T2 und FLAIR ohne Schädel auf einem Gitter; jede davon darf fehlen.",
    "model.training": "Training",
    "model.training_text": "{cases} Fälle aus {sites} Kliniken, {rounds} Runden föderiertes Training.",
    "model.training_other": "Dieses Modell ist nicht das jetzt installierte; seine Trainingsangaben liegen nicht vor.",
    "model.calibrated": "Kalibrierte Fragen",
    "model.reading": "Auswertung",
    "model.reading_text": (
        "{passes} stochastische Durchläufe; {inference}; Überlappung {overlap}; Voxel von {spacing}."
    ),
    "inference.window": "gleitendes Fenster",
    "inference.one_pass": "ein Durchgang über das Gehirn",
    "model.warnings": "Warnungen",
    "model.limits": "Grenzen",
    "model.limits_text": (
        "Jede andere Krankheit wird gelesen, als wäre sie ein Gliom. Nicht für Kinder, nicht nach Operation oder "
        "Bestrahlung. Die Genauigkeit ist von Klinik zu Klinik verschieden. Durchläufe und Netze teilen blinde "
        "Flecken; ein enges Intervall ist keine Gewähr."
    ),
    "model.status": "Status",
    "model.status_text": (
        "Von keiner Behörde zugelassen; keine CE-Kennzeichnung, keine FDA-Zulassung. Keine Diagnose, keine Behandlung."
    ),
    "provenance.caption": "Woraus dieser Bericht entstand",
    "provenance.study": "Untersuchung",
    "provenance.findings": "Befunde, sha256",
    "provenance.outline": "Umriss, sha256",
    "provenance.uncertainty": "Karte der Unsicherheit, sha256",
    "provenance.image": "{sequence}, sha256",
    "provenance.config": "Konfiguration des Modells",
    "provenance.read": "Ausgewertet",
    "provenance.report": "Bericht",
    "provenance.report_text": "Sprache {language}, Zusammenfassung: {written_by}",
}
