"""German for the phrases of checks, measures and assessability. No native clinician has read this file yet."""

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    "Phantoms: computer-generated images of no person.": "Phantome: computererzeugte Bilder von keinem Menschen.",
    # assessability
    "no {}: enhancement shows only after contrast": "ohne {0}: Anreicherung zeigt sich nur nach Kontrastmittel",
    "no {}: the core is bounded by enhancement and necrosis, which show only after contrast": (
        "ohne {0}: Der Kern wird durch Anreicherung und Nekrose begrenzt, die sich nur nach Kontrastmittel zeigen"
    ),
    "no {}: necrosis is told from solid tumour by the enhancing rim around it": (
        "ohne {0}: Nekrose unterscheidet sich von solidem Tumor durch den anreichernden Saum um sie"
    ),
    "no {}: labels 1 and 3 in the segmentation are told apart by enhancement; read neither alone": (
        "ohne {0}: Label 1 und 3 der Segmentierung unterscheiden sich durch Anreicherung; keines ist allein zu lesen"
    ),
    "no {}: the outer border of the tumour is the border of its T2/FLAIR signal": (
        "ohne {0}: Die äußere Grenze des Tumors ist die Grenze seines T2/FLAIR-Signals"
    ),
    "no {}: edema and infiltration are seen as T2/FLAIR signal": (
        "ohne {0}: Ödem und Infiltration sind am T2/FLAIR-Signal zu sehen"
    ),
    "no {}: the sign compares T2 with FLAIR": "ohne {0}: Das Zeichen vergleicht T2 mit FLAIR",
    "no {}: signal that is bright before contrast is not enhancement": (
        "ohne {0}: Was vor dem Kontrastmittel hell ist, ist keine Anreicherung"
    ),
    # measures
    "no tumour found": "kein Tumor gefunden",
    "no tumour was found": "kein Tumor wurde gefunden",
    "no tumour core was found": "kein Tumorkern wurde gefunden",
    "no enhancing tumour was found": "kein anreichernder Tumor wurde gefunden",
    "no stochastic passes and no map of doubt were given": "ohne stochastische Durchläufe und Karte der Unsicherheit",
    "the model's doubt is stated for volumes only": "der Zweifel des Modells wird nur für Volumina angegeben",
    "the whole of which this is a share is empty": "das Ganze, an dem es ein Anteil wäre, ist leer",
    "stated for the two volumes, not for it": "für die beiden Volumina angegeben, nicht hierfür",
    "{} stochastic passes; at least {} are needed": "{0} stochastische Durchläufe; mindestens {1} sind nötig",
    "5th to 95th percentile of {} stochastic passes, stretched to hold the value": (
        "5. bis 95. Perzentil aus {0} stochastischen Durchläufen, so gedehnt, dass der Wert darin liegt"
    ),
    "without and with the adjoining voxels whose entropy exceeds {} nats": (
        "ohne und mit den angrenzenden Voxeln, deren Entropie {0} nat übersteigt"
    ),
    "no {} on the segmentation's grid": "ohne {0} auf dem Gitter der Segmentierung",
    "less than {} mL of tumour that does not enhance": "weniger als {0} mL nicht anreichernder Tumor",
    "too little brain outside the tumour to compare with": "zu wenig Gehirn außerhalb des Tumors zum Vergleich",
    "no image on the segmentation's grid was given to find the midline in": (
        "kein Bild auf dem Gitter der Segmentierung, um die Mittellinie zu finden"
    ),
    "too little brain outside the tumour to find the midline in": (
        "zu wenig Gehirn außerhalb des Tumors, um die Mittellinie zu finden"
    ),
    "the brain resembles no mirror image of itself (correlation {})": (
        "das Gehirn gleicht seinem Spiegelbild nicht (Korrelation {0})"
    ),
    "two estimates of the midline lie {} mm apart": "zwei Schätzungen der Mittellinie liegen {0} mm auseinander",
    "the enhancing tumour is solid: it surrounds no necrotic or non-enhancing part": (
        "der anreichernde Tumor ist solide: Er umschließt keinen nekrotischen oder nicht anreichernden Teil"
    ),
    "enhancement lines {} of the border of label 1; that is no margin": (
        "Anreicherung säumt {0} der Grenze von Label 1; das ist kein Rand"
    ),
    "the enhancing tumour lies within the midline's error of {} mm": (
        "der anreichernde Tumor liegt innerhalb des Fehlers der Mittellinie von {0} mm"
    ),
    "the examinations are not registered to each other, so lesions cannot be matched": (
        "die Untersuchungen sind nicht aufeinander registriert; Läsionen lassen sich nicht zuordnen"
    ),
    "not measured before: {}": "früher nicht gemessen: {0}",
    "not measured now: {}": "jetzt nicht gemessen: {0}",
    "read by model {}, now by {}: read both with one model": (
        "ausgewertet mit Modell {0}, jetzt mit {1}: beide mit einem Modell auswerten"
    ),
    "read from {}, now from {}: read both from the sequences they share": (
        "ausgewertet aus {0}, jetzt aus {1}: beide aus den gemeinsamen Sequenzen auswerten"
    ),
    "voxels of {} mm, now {} mm: resample both to one grid and read them again": (
        "Voxel von {0} mm, jetzt {1} mm: beide auf ein Gitter bringen und neu auswerten"
    ),
    "no earlier examination was given": "keine frühere Untersuchung angegeben",
    # VASARI
    "right": "rechts",
    "left": "links",
    "centre or both sides": "Mitte oder beide Seiten",
    "none": "keine",
    "yes": "ja",
    "no": "nein",
    "all": "alles",
    "focal": "fokal",
    "up to {} %": "bis {0} %",
    "{} to {} %": "{0} bis {1} %",
    "more than {} %": "mehr als {0} %",
    "{} separate cores: multifocal, multicentric or gliomatosis": (
        "{0} getrennte Kerne: multifokal, multizentrisch oder Gliomatose"
    ),
    "no enhancement": "keine Anreicherung",
    "solid, no part that does not enhance": "solide, kein nicht anreichernder Teil",
    "thin, less than 3 mm": "dünn, unter 3 mm",
    "thick, 3 mm or more": "dick, 3 mm oder mehr",
    "{} enhancing satellites": "{0} anreichernde Satelliten",
    # checks: found
    "an image of many values": "ein Bild mit vielen Werten",
    "{} different values": "{0} verschiedene Werte",
    "a correlation of {} between neighbouring voxels": "eine Korrelation von {0} zwischen benachbarten Voxeln",
    "{} of the content at its largest value": "{0} des Inhalts auf dem größten Wert",
    "a spread of {} of the median": "eine Streuung von {0} des Medians",
    "{} mL of content and {} of exact zeros": "{0} mL Inhalt und {1} exakte Nullen",
    "{} mL of content": "{0} mL Inhalt",
    "voxels of {} mm": "Voxel von {0} mm",
    "{} of the largest cross-section in an outermost slice": "{0} des größten Querschnitts in einer äußersten Schicht",
    "{} on another grid than {}": "{0} auf einem anderen Gitter als {1}",
    "one grid ({})": "ein Gitter ({0})",
    "a correlation of {} with the mirror image": "eine Korrelation von {0} mit dem Spiegelbild",
    "sequences on different grids": "Sequenzen auf verschiedenen Gittern",
    "signal in {} of the brain, {} of it almost black": "Signal in {0} des Gehirns, {1} davon fast schwarz",
    "signal in {} of the brain, {} of it almost black, {} mL missing in one piece": (
        "Signal in {0} des Gehirns, {1} davon fast schwarz, {2} mL fehlen in einem Stück"
    ),
    "one and the same image": "ein und dasselbe Bild",
    "a correlation of {}": "eine Korrelation von {0}",
    "fluid bright on t2 and dark on the other ({})": "Flüssigkeit hell auf t2 und dunkel auf der anderen ({0})",
    "no clear sign which of the two shows fluid bright ({})": (
        "kein klares Zeichen, welche der beiden Flüssigkeit hell zeigt ({0})"
    ),
    "fluid bright on {} and dark on t2 ({})": "Flüssigkeit hell auf {0} und dunkel auf t2 ({1})",
    "tissue that goes with t2 on flair ({})": "Gewebe, das auf flair mit t2 geht ({0})",
    "no clear sign on which of the two tissue goes with t2 ({})": (
        "kein klares Zeichen, auf welcher der beiden Gewebe mit t2 geht ({0})"
    ),
    "tissue that goes with t2 on {} ({})": "Gewebe, das auf {0} mit t2 geht ({1})",
    "places that are brighter after contrast ({})": "Stellen, die nach Kontrastmittel heller sind ({0})",
    "no clear sign of contrast agent ({})": "kein klares Zeichen von Kontrastmittel ({0})",
    "places that are brighter on t1 than on t1c ({})": "Stellen, die auf t1 heller sind als auf t1c ({0})",
    "too little brain that both show": "zu wenig Gehirn, das beide zeigen",
    "no tumour": "kein Tumor",
    "a tumour": "ein Tumor",
    "{} mL": "{0} mL",
    "{} outside the largest of {} pieces": "{0} außerhalb des größten von {1} Teilen",
    "{} separate tumour cores, the largest {} of all": "{0} getrennte Tumorkerne, der größte hält {1} von allem",
    "{} tumour voxels on the border": "{0} Tumorvoxel am Rand",
    "{} of the tumour where every image is 0": "{0} des Tumors dort, wo jedes Bild 0 ist",
    "{} on t2, {} on flair": "{0} auf t2, {1} auf flair",
    "{} on t2": "{0} auf t2",
    "{} on flair": "{0} auf flair",
    "{} robust SD": "{0} robuste SD",
    "no image for it on the segmentation's grid": "kein Bild dafür auf dem Gitter der Segmentierung",
    "too little tumour or too little healthy brain": "zu wenig Tumor oder zu wenig gesundes Gehirn",
    "no enhancing tumour": "kein anreichernder Tumor",
    "not both of t1 and t1c on the segmentation's grid": "nicht t1 und t1c zusammen auf dem Gitter der Segmentierung",
    "too little enhancing tumour or too little healthy brain": (
        "zu wenig anreichernder Tumor oder zu wenig gesundes Gehirn"
    ),
    # checks: expected
    "an image": "ein Bild",
    "more than 0.5, as in any anatomy": "mehr als 0,5 wie in jeder Anatomie",
    "at most 0.1 %": "höchstens 0,1 %",
    "at most 0.02 %": "höchstens 0,02 %",
    "at least 0.07, as grey matter, white matter and fluid have": (
        "mindestens 0,07 wie bei grauer Substanz, weißer Substanz und Flüssigkeit"
    ),
    "a brain without its skull: at most 2000 mL and 0 outside of it": (
        "ein Gehirn ohne Schädel: höchstens 2000 mL und außerhalb 0"
    ),
    "at least 900 mL, an adult's brain": "mindestens 900 mL, das Gehirn eines Erwachsenen",
    "edges of at most 3 mm": "Kanten von höchstens 3 mm",
    "at most 20 %": "höchstens 20 %",
    "one grid for all sequences": "ein Gitter für alle Sequenzen",
    "one grid": "ein Gitter",
    "at least 0.3: two halves that are alike": "mindestens 0,3: zwei Hälften, die einander gleichen",
    "at least 80 %, at most 4 % almost black": "mindestens 80 %, höchstens 4 % fast schwarz",
    "at least 80 %, at most 4 % almost black, at most 5 mL missing in one piece": (
        "mindestens 80 %, höchstens 4 % fast schwarz, höchstens 5 mL in einem Stück fehlend"
    ),
    "two different images": "zwei verschiedene Bilder",
    "fluid bright on t2 and dark on {}": "Flüssigkeit hell auf t2 und dunkel auf {0}",
    "tissue that goes with t2 on flair more than on {}": "Gewebe, das auf flair mehr als auf {0} mit t2 geht",
    "vessels and tumour brighter on t1c than on t1": "Gefäße und Tumor auf t1c heller als auf t1",
    "a whole brain": "ein ganzes Gehirn",
    "a glioma, which is all that the model knows": "ein Gliom; etwas anderes kennt das Modell nicht",
    "1 to 300 mL": "1 bis 300 mL",
    "at most 30 %": "höchstens 30 %",
    "one or two, or one that holds most": "einer oder zwei, oder einer, der das meiste hält",
    "above +0.5 robust SD on one of them": "über +0,5 robuste SD auf einer davon",
    "above +0.5": "über +0,5",
    "images and tumour to compare": "Bilder und Tumor zum Vergleich",
    # checks: what to do
    "look at the image; export it again or leave it out": "Bild ansehen; neu exportieren oder weglassen",
    "take a 3-D series if there is one; thin rims and small lesions may be missed, sizes are coarse": (
        "eine 3-D-Serie nehmen, wenn es eine gibt; dünne Säume und kleine Läsionen können fehlen, Größen sind grob"
    ),
    "the field of view cuts the brain; volumes of a tumour at the cut are too small": (
        "das Bildfeld schneidet das Gehirn ab; Volumina eines Tumors am Schnitt sind zu klein"
    ),
    "remove the skull (e.g. HD-BET or SynthStrip) and register the sequences to each other": (
        "Schädel entfernen (z. B. HD-BET oder SynthStrip) und die Sequenzen aufeinander registrieren"
    ),
    "export the sequence again or leave it out": "Sequenz neu exportieren oder weglassen",
    "export without clipping; enhancement may be cut off": (
        "ohne Kappung exportieren; Anreicherung kann abgeschnitten sein"
    ),
    "this may be no brain: look at the image": "das ist vielleicht kein Gehirn: Bild ansehen",
    "look whether the field of view or the brain mask cuts the brain": (
        "nachsehen, ob Bildfeld oder Hirnmaske das Gehirn abschneidet"
    ),
    "register and resample all sequences to one grid": "alle Sequenzen registrieren und auf ein Gitter bringen",
    "bring all sequences to one grid and check again": "alle Sequenzen auf ein Gitter bringen und neu prüfen",
    "this may be no brain, or one of which a half is missing: look at the images": (
        "das ist vielleicht kein Gehirn oder eines, dem eine Hälfte fehlt: Bilder ansehen"
    ),
    "the field of view may be cut: look at this sequence": (
        "das Bildfeld ist vielleicht abgeschnitten: diese Sequenz ansehen"
    ),
    "one of the two has the wrong name: replace it or leave it out": (
        "eine der beiden hat den falschen Namen: ersetzen oder weglassen"
    ),
    "look whether the two files were swapped": "nachsehen, ob die beiden Dateien vertauscht wurden",
    "look whether the two files were swapped or no contrast was given": (
        "nachsehen, ob die beiden Dateien vertauscht wurden oder kein Kontrastmittel gegeben wurde"
    ),
    "see the other checks": "die anderen Prüfungen ansehen",
    "do not read its answers about type and genes: they suppose a glioma": (
        "Antworten zu Typ und Genen nicht lesen: Sie setzen ein Gliom voraus"
    ),
    "look whether all of it is tumour": "nachsehen, ob alles davon Tumor ist",
    "look at every piece; several tumours, or a model that is lost": (
        "jeden Teil ansehen; mehrere Tumoren oder ein Modell, das sich verirrt hat"
    ),
    "think of metastases, abscesses, lymphoma, multifocal glioma: the model knows gliomas only": (
        "an Metastasen, Abszesse, Lymphom, multifokales Gliom denken: das Modell kennt nur Gliome"
    ),
    "the field of view cuts the tumour: its volume is a lower bound": (
        "das Bildfeld schneidet den Tumor ab: Sein Volumen ist eine untere Grenze"
    ),
    "check that segmentation and images belong together and are not flipped": (
        "prüfen, ob Segmentierung und Bilder zusammengehören und nicht gespiegelt sind"
    ),
    "the segmentation may lie in the wrong place: look at it on T2 and FLAIR": (
        "die Segmentierung liegt vielleicht am falschen Ort: auf T2 und FLAIR ansehen"
    ),
    "look whether it enhances or was bright before contrast (blood), and whether t1 and t1c were swapped": (
        "nachsehen, ob es anreichert oder schon vor Kontrastmittel hell war (Blut) und ob t1 und t1c vertauscht wurden"
    ),
    "judge it by eye": "mit dem Auge beurteilen",
    # likeness to the training sites' images
    "out of distribution: the images are unlike those of the training sites": (
        "die Bilder gleichen denen der Trainingszentren nicht"
    ),
    "a distance of {} from the training sites' patients": "ein Abstand von {0} zu den Patienten der Trainingszentren",
    "at most {}, as 95 % of patients held out there": (
        "höchstens {0} wie bei 95 % der dort zurückgehaltenen Patienten"
    ),
    "too few patients of the training sites to compare {} with": (
        "zu wenige Patienten der Trainingszentren zum Vergleich mit {0}"
    ),
    "none of its sequences": "keiner seiner Sequenzen",
    "enough training patients and patients held out with the same sequences": (
        "genug Trainings- und zurückgehaltene Patienten mit denselben Sequenzen"
    ),
    "look whether scanner, protocol and preparation are usual before believing the result": (
        "nachsehen, ob Gerät, Protokoll und Aufbereitung üblich sind, bevor dem Ergebnis geglaubt wird"
    ),
    "do not believe the result: the model has not learned from such images; look at their preparation": (
        "dem Ergebnis nicht glauben: Das Modell hat aus solchen Bildern nicht gelernt; ihre Aufbereitung ansehen"
    ),
    "judge by eye whether the images are usual": "mit dem Auge beurteilen, ob die Bilder üblich sind",
    # VASARI, what a mask does not tell
    "{}: needs an atlas registered to the patient": "braucht einen auf den Patienten registrierten Atlas",
    "{}: is judged on the image, not on a mask; the skull is removed": (
        "wird am Bild beurteilt, nicht an einer Maske; der Schädel ist entfernt"
    ),
    "{}: is judged on the image, not on a mask": "wird am Bild beurteilt, nicht an einer Maske",
    "{}: label 1 joins necrosis and non-enhancing tumour": (
        "Label 1 fasst Nekrose und nicht anreichernden Tumor zusammen"
    ),
    "{}: needs another kind of image": "braucht eine andere Art von Bild",
    "enhancement was found; whether it is mild or marked is judged on the image, not on a mask": (
        "Anreicherung wurde gefunden; ob sie gering oder deutlich ist, wird am Bild beurteilt, nicht an einer Maske"
    ),
    "10th to 90th percentile along the margin": "10. bis 90. Perzentil entlang des Randes",
}
