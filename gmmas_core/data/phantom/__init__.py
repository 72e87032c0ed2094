"""Phantom hospitals: glioma MRI that looks the part, costs nothing and whose truth is known.

latent.py  what a patient has: class, age, signs, with the literature's effect sizes; the Bayes ceilings
anatomy.py a head with ribbon, sulci and ventricles; lesion.py the nested tumour; signal.py tissue to brightness
site_effects.py what differs between hospitals; case.py one examination; write.py site folders

How good can a reader get? `bayes_ceilings(200_000, 0)` on the reference population (AUROC; last column accuracy):

===========================================  =====  ==================  ===================  =========  =====
what the reader knows                        IDH    IDH within grade 4  codel within mutant  histology  grade
===========================================  =====  ==================  ===================  =========  =====
age                                          0.907  0.897               0.628                0.880      0.740
signs                                        0.941  0.755               0.886                0.963      0.817
age and signs                                0.979  0.916               0.899                0.980      0.843
signs without mismatch (no T2 or no FLAIR)   0.931  0.734               0.834                0.955      0.810
signs without enhancement and necrosis       0.799  0.666               0.876                0.809      0.732
signs and apparent age                       0.960  0.837               0.893                0.971      0.830
===========================================  =====  ==================  ===================  =========  =====

A network sees the pictures only: "signs and apparent age" (ventricles, sulci and white matter show the age, with a
standard deviation of 15 years) is its ceiling, and a score above 0.97 for IDH on a large sample means that something
leaks. Without T1c it can still do better than the fifth row says, because necrosis is bright on T2 and the oedema of
enhancing tumours is wider. Sites whose prevalence or age differs from the reference have other ceilings.
"""

from gmmas_core.data.phantom.case import PhantomCase, make_case
from gmmas_core.data.phantom.latent import Latent, bayes_ceilings, sample_latent
from gmmas_core.data.phantom.site_effects import HOSPITALS, SiteEffects, hospital
from gmmas_core.data.phantom.write import write_federation

__all__ = [
    "HOSPITALS",
    "Latent",
    "PhantomCase",
    "SiteEffects",
    "bayes_ceilings",
    "hospital",
    "make_case",
    "sample_latent",
    "write_federation",
]
