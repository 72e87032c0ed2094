"""English words that say nothing about a case by themselves and may stand in any sentence."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEUTRAL = _words(
    """
    a an the this that these those it its they their them which who what where when whether how there here such of
    in on at to for from by with as into within around among along about per via during and or but because since so
    if then than while whereas although though however also therefore thus hence just even each any some own rather
    quite is are was were be been being has have had having do does did can could may might image images imaging
    picture pictures scan study examination series sequence sequences slice model computer software program network
    algorithm system reading readings result results finding findings analysis segmentation outline mask map voxel
    voxels grid brain head hemisphere hemispheres side sides part parts area areas region regions patient
    patients patient's person people human you your yours we our clinician clinicians doctor doctors radiologist
    neuroradiologist team reader readers case type types kind kinds sort class classes name term terms word words
    status marker markers gene genes question questions answer answers list order value values figure figures
    estimate estimates statement statements test tests check checks measure measures measurement measurements
    assessment information detail details fact facts error reason reasons basis way place point view amount show
    shows shown see seen look looks looked read reads find finds found outlines outlined segment segments segmented
    mark marks marked measured lie lies located locate sit sits situated reach reaches amounts account accounts take
    takes taken up occupy occupies comprise comprises contain contains include includes included belong belongs give
    gives gave given state states stated put puts set note noted refer refers follow follows followed based rest
    rests mean means describe describes described report reports reported compute computed calculate calculated
    estimated derive derived uses used using ask asks asked repeat repeated come comes appear appears seem seems
    make makes made tell tells held hold holds apply applies alone separately overall approximately roughly
    respectively below above following against according due please caution carefully cautious limited like likewise
    similarly relevant namely automatic automatically automated things consist consists itself themselves use
    quality involve involves constitute constitutes assign assigns present together
    """
)
"""Function words, names of the reading itself and verbs of looking. Not here on purpose: growth, change, time, advice,
comfort, certainty, quantity and every place in the brain."""

VERBS = _words(
    """
    is are was were be been has have had do does did can could may might must would cannot can't isn't aren't wasn't
    weren't doesn't don't didn't couldn't hasn't haven't shows show lies lie suggests suggest points point fits fit
    gives give states puts measures measure amounts accounts takes take enhances enhance crosses cross reaches reach
    extends extend comes come makes needs knows seems seem appears appear contains contain resembles remains stays
    found failed passed favours favors considers consider ranks rank sits belongs corrected signed rejected reports
    settle settles establish establishes confirms proves prove excludes exclude
    """
)
"""Words that make a clause out of what stands between two commas."""
