"""Names for what a word that may not be written would have said; any other unknown word is a "word".

Nothing is allowed by not standing here: these lists only make the log and the score tell what was caught.
"""

from collections.abc import Mapping

_LISTS: Mapping[str, str] = {
    "number": """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen twenty thirty
        forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands dozen dozens half third quarter
        twice thrice double doubled triple couple pair few many majority minority threefold twofold tenfold zero single
        ii iii iv vi percent""",
    "certainty": """clearly definitely certainly certain undoubtedly doubt doubtless sure surely unquestionably
        unequivocally obvious obviously proven pathognomonic reliable highly evidently impossible guaranteed trusted
        unmistakable negligible typical""",
    "treatment": """surgery surgical operate operated operation resect resected resection radiotherapy irradiation
        radiation chemotherapy temozolomide dexamethasone vorasidenib bevacizumab lomustine treatment treat treated
        therapy drug steroids should advise advised recommend recommended indicated avoid proton watchful waiting""",
    "prognosis": """prognosis prognostic survival survive survives live lives outlook incurable curable cure cured
        terminal aggressive fast recurrence expectancy favourable favorable poor years months die death malignant""",
    "reassurance": """benign harmless normal healthy worry good bad fortunately unfortunately relieved news fine calm
        lucky safe safely""",
    "comparison": """grown growing grew grows larger smaller previous earlier prior stable progressive progression
        response progressed regressed new newly increased decreased since unchanged changed became compared last""",
    "region": """frontal temporal parietal occipital lobe lobes insula insular thalamus thalamic cerebellum brainstem
        callosum ventricle ventricles cortex cortical motor hippocampus basal ganglia spine hemispheric""",
    "diagnosis": """meningioma metastasis metastases lymphoma abscess ependymoma gangliocytoma carcinoma schwannoma
        medulloblastoma sclerosis infarct stroke anaplastic""",
    "patient": """man woman male female boy girl child elderly young aged mr mrs he she seizures headache headaches
        monday""",
    "instruction": """ignore instruction instructions system click http https script previous prompt""",
}

KIND_OF: Mapping[str, str] = {word: kind for kind, words in _LISTS.items() for word in words.split()}
