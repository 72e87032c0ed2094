"""English phrases that carry a meaning which the facts must license, by what they mean.

A concept is "category.value". Phrases are separated by bars; the longest one that fits is taken. What is neither here
nor in `neutral_en` nor in the words of a cited fact may not be written.
"""

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    # polarity
    "not": (
        "no|not|never|none|neither|nor|cannot|can't|without|nothing|isn't|aren't|wasn't|weren't|doesn't|don't"
        "|didn't|couldn't|hasn't|haven't|absent|absence|free of|lack of|lacks|lacking"
    ),
    "plain": (
        "asked again|read again|before a person has looked|part of the brain|half of the brain|half of the head"
        "|of all types|a person has looked|must be read with caution|must look at them first|must look at"
        "|would show|care team|by hand|at least one check|one of the checks|one or more checks"
        "|should be read with caution|beside the largest core|another type|to know the kind of tumour"
        "|to know the type|no threshold is applied|half of your brain|half of your head"
    ),
    "ask": "ask them|ask any question|ask your care team|ask questions",
    "kind": "what kind of tumour it is|what kind of tumour|what kind of tumor it is|what type of tumour it is",
    "even": (
        "not lean clearly to one answer|not lean to one answer|leans to neither answer|lean to neither answer"
        "|neither answer more than the other"
    ),
    "single": "one piece|a single piece",
    "only": "only|just|merely|solely",
    "need": "need|needs|needed|requires|require|required",
    "caution": (
        "not mean that there is no tumour|not mean that there is no tumor|not exclude one|not exclude a tumour"
        "|not exclude a tumor|not rule one out|not rule out a tumour"
    ),
    # states
    "state.unassessable": (
        "could not be seen|cannot be answered|cannot be assessed|can not be assessed|could not be assessed"
        "|cannot be judged|can not be judged|could not be judged|not assessable|cannot be told"
        "|cannot be determined|could not be determined|cannot be evaluated|could not be evaluated"
        "|cannot be measured|could not be measured|cannot be stated|cannot be seen|cannot assess|cannot judge"
        "|cannot tell|unclear|not known|unknown|is open|remains open|stays open|unable to assess|no assessment"
        "|not evaluable|non assessable"
    ),
    "state.assessable": (
        "can be used|may be used|could be used|can be read|may be read|can be believed|may be believed"
        "|can be assessed|could be assessed|be assessed|can be judged|could be judged|be judged|assessable"
        "|evaluable|can be answered|be answered|can be evaluated|be evaluated|can be told|can be measured"
    ),
    "state.missing": (
        "missing|not available|unavailable|was not available|were not available|not provided|not acquired"
        "|not included|not given|not part of"
    ),
    "state.available": "available|provided|acquired",
    "state.left_out": "left out|leaving out|omitted|removed from the input",
    # where
    "side.right": "right|right sided",
    "side.left": "left|left sided",
    "side.both": "both sides|both hemispheres|both halves|bilateral|bilaterally",
    "side.midline": (
        "in the middle of the head|in the middle of the brain|at the midline|in the midline|midline tumour"
        "|midline lesion"
    ),
    "cross": (
        "crossed|cross the midline|crosses the midline|crossing the midline|crossed the midline"
        "|reaches over the midline|reach over the midline|extends over the midline|extends across the midline"
        "|extend across the midline|reaches across the midline|crossing of the midline|midline crossing"
        "|beyond the midline|across the midline|over the middle of the brain|across the middle of the brain"
        "|crosses the middle|cross the middle|over the midline"
    ),
    # what was outlined
    "region.wt": (
        "tumour|marked area|area that was marked|tumor|whole tumour|whole tumor|lesion|mass|entire tumour"
        "|entire tumor|growth|total tumour|total tumor|whole lesion|entire lesion|outlined tumour"
        "|segmented tumour|tumours|tumors"
    ),
    "region.tc": "tumour core|tumour cores|cores|tumor core|tumor cores|core of the tumour|core of the tumor|core",
    "region.et": (
        "enhancing tumour|enhancing tumor|enhancing part|enhancing parts|enhancing portion|enhancing component"
        "|enhancing region|enhancing area|enhancement|contrast enhancement|enhances|enhance|enhancing"
        "|contrast enhancing|takes up contrast|take up contrast|contrast uptake|contrast enhancing tumour"
        "|contrast enhancing tumor|contrast enhancing part|uptake of contrast|takes up contrast agent"
        "|take up contrast agent|enhanced|takes up contrast medium|enhancing volume|enhancing lesion"
        "|tumour enhancement|tumor enhancement|takes up the contrast agent"
    ),
    "region.necrosis": (
        "necrotic and non enhancing core|necrosis|necrotic core|necrotic|non enhancing core"
        "|necrotic and non enhancing tumour|necrotic and non enhancing tumor|necrotic and non enhancing part"
        "|necrotic or non enhancing core"
    ),
    "region.edema": "edema|oedema|swelling|swollen|peritumoral edema|peritumoural oedema|edematous|oedematous",
    "region.margin": "enhancing margin|enhancing rim|margin of enhancement",
    "satellite": "enhancing satellite|satellites|satellite|satellite lesions|satellite lesion|enhancing satellites",
    "many": "several|separate|multiple|pieces|piece|separate pieces|scattered|multifocal",
    "mismatch": "t2 flair mismatch|t2/flair mismatch|mismatch|mismatch sign",
    "brighter": "brighter|bright|brightness|exceeds",
    # how much
    "measure.volume": "volume|volumes|size|sizes|extent",
    "measure.length": "diameter|diameters|longest diameter|largest diameter|long|wide|length|longest extent",
    "measure.count": "number|count",
    "measure.share": "share|proportion|percentage|fraction|portion|shares",
    "measure.thickness": "thickness",
    "measure.change": (
        "change of the probability|changes the probability by|change in probability|shift of the probability"
        "|changes by|shifts by|change by|probability changes|probability shifts|change of"
    ),
    "measure.range": "range|ranges|interval|plausible range|between|bounds|bound|ranging",
    "measure.probability": "probability|probabilities|chance|likelihood|estimated probability",
    # suggestion
    "hedge": (
        "integrated from tissue and imaging|suggest|suggests|suggested|suggesting|suggestion|suggestions"
        "|suggestive|point to|points to|point towards|points towards|fits|fit|favour|favours|favor|favors"
        "|compatible with|consistent with|considered|considers|consider|candidate|candidates|resemble|resembles"
        "|as far as images can tell|imaging suggestion|may be|might be|could be|possible|possibly|ranks|ranked"
        "|ranking|in line with|speaks for|speak for|argue for|argues for|expects|lean towards|leans towards"
    ),
    "likely": (
        "probable|likely|probably|more probable than not|more likely than not|likelier|more likely|more probable"
    ),
    "unlikely": "unlikely|improbable|hardly",
    "rank.first": (
        "most probable|most likely|first|comes first|best|likeliest|highest probability|leading|top|highest"
        "|foremost|main suggestion|greatest probability|ranks first|ranked first|first place"
    ),
    "rank.second": ("second|second most probable|second most likely|runner up|second place|ranks second|comes second"),
    "rank.third": "third|third most probable|third most likely|third place|ranks third|comes third",
    "rank.next": "next|next most probable|next most likely|followed by",
    "rank.later": (
        "less probable|less likely|alternative|alternatives"
        "|other candidate|other candidates|differential|differentials|differential diagnosis"
        "|differential diagnoses|another possibility|other possibilities|further candidates|other suggestion"
        "|other type|other types"
    ),
    "order.less": "less probable than|less likely than|comes after|ranks below|ranked below|ranks behind|ranks after",
    "order.more": "more probable than|more likely than|comes before|ranks above|ranked above|ranks before|ahead of",
    "rank.last": "least probable|least likely|last|lowest probability",
    "calibrated": "calibrated|calibration|well calibrated",
    "uncalibrated": (
        "uncalibrated|not calibrated|not been calibrated|never calibrated|no calibration|without calibration"
        "|not yet calibrated|lack calibration"
    ),
    "frequency": (
        "may be far from observed frequencies|can be far from observed frequencies"
        "|may differ from observed frequencies|may be far from the observed frequencies"
    ),
    # markers
    "marker.idh": "idh|idh1|idh2|idh status|idh gene",
    "marker.codel": "1p/19q|1p|19q|1p and 19q|1p/19q status",
    "marker.mgmt": "mgmt|mgmt promoter|mgmt promoter methylation status",
    "marker.h3": "h3|histone h3",
    "marker.k27": "k27|h3 k27",
    "marker.g34": "g34|h3 g34",
    "marker.atrx": "atrx",
    "marker.cdkn2a": "cdkn2a|cdkn2a/b",
    "marker.tert": "tert|tert promoter",
    "marker.egfr": "egfr",
    "value.mutant": "mutant|mutation|mutated|mutations",
    "value.wildtype": "wildtype|wild type",
    "value.codeleted": "codeleted|codeletion|co deleted|co deletion|combined deletion",
    "value.intact": "intact|not codeleted|non codeleted|no codeletion",
    "value.methylated": "methylated|methylation",
    "value.unmethylated": "unmethylated|not methylated",
    # types by one word; whole names come from the decision table's own words
    "entity.glioblastoma": "glioblastoma|glioblastomas",
    "entity.astrocytoma": "astrocytoma|astrocytomas",
    "entity.oligodendroglioma": "oligodendroglioma|oligodendrogliomas",
    "entity.glioma": "glioma|gliomas|diffuse glioma|diffuse gliomas",
    "entity.lower_grade": "lower grade diffuse glioma|lower grade glioma",
    "scope": (
        "knows gliomas only|knows diffuse gliomas only|knows only gliomas|knows only diffuse gliomas"
        "|trained on gliomas only|only knows gliomas|only knows diffuse gliomas"
    ),
    # tissue and diagnosis
    "diagnosis": "diagnosis|diagnoses|diagnose|diagnosed|diagnostic|integrated diagnosis",
    "grade": "grade|grades|graded|grading|who grade",
    "tissue": (
        "histologically|test of tissue counts more than|test of tissue|tissue|pathology|pathologist|pathologists"
        "|histology|microscope|under the microscope|by histology|biopsy|histological|tissue sample"
        "|molecular tests|histological type|histopathology|tissue samples"
    ),
    "proof": (
        "definitive|prove|proves|proven|confirm|confirms|confirmed|confirmation|establish|establishes|established"
        "|settle|settles|settled|determine|determines|determined|decide|decides|replace|replaces|prove that"
        "|verify|verified"
    ),
    "exclude": "exclude|excludes|excluded|rule out|rules out|ruled out|excluding",
    "confirmatory": (
        "to confirm on tissue|to confirm|confirmatory|confirmatory test|confirmatory tests"
        "|tests that would settle|test that would settle|would settle|would confirm|would decide|further test"
        "|further tests|needed to settle|would clarify|can settle|could settle|would answer|helps to settle"
        "|help to settle"
    ),
    # sequences
    "sequence.t1": "t1|t1 weighted|native t1|t1 without contrast|t1 before contrast",
    "sequence.t1c": (
        "t1c|contrast enhanced t1|post contrast t1|t1 with contrast|t1 after contrast|images with contrast"
        "|pictures with contrast|after contrast|with contrast|contrast images|t1 weighted images after contrast"
        "|contrast enhanced images|images after contrast|with contrast agent|contrast enhanced t1 weighted images"
        "|images with contrast agent|pictures with contrast agent|after contrast agent|contrast agent"
        "|contrast medium|contrast enhanced t1 weighted"
    ),
    "sequence.t2": "t2|t2 weighted",
    "sequence.flair": "flair|t2 flair|t2/flair",
    "sequence.all": (
        "all sequences|every sequence|all of the sequences|complete set of sequences|all four sequences"
        "|all needed sequences|all images were available"
    ),
    # quality
    "verdict.pass": (
        "passed|nothing unusual|no warning|no warnings|were all passed|all passed|without objection"
        "|no check failed|no failed check|raised no concerns|no problem|no problems|found no problem"
        "|without a problem|pass all checks|passed all checks"
    ),
    "verdict.warn": (
        "need a closer look|needs a closer look|warning|warnings|call for a look|calls for a look|unusual|warned"
        "|deserve a look|deserves a look|conspicuous|need a look|needs a look"
    ),
    "verdict.not_assessable": "could not be made|not made|not checked",
    "verdict.fail": (
        "failed|fail|fails|failure|not passed|not pass|did not pass|not pass all checks|did not pass all checks"
        "|not all checks were passed|not to be believed|may be wrong|might be wrong|must not be believed"
        "|not be trusted|should not be trusted|cannot be trusted|not reliable|unreliable"
        "|at least one check failed"
    ),
    # persons
    "person.corrected": (
        "corrected|changed the marked area|changed the outline|changed what the computer said|changed by hand"
        "|changed the segmentation|after the correction|correction|after correction|edited|revised|corrections"
    ),
    "person.signed": "signed|signed off|approved",
    "person.rejected": "not agree with the computer|not agree|rejected|declined",
}
