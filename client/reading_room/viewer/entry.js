// What the case page needs of NiiVue; everything else may be left out of the bundle.
export { DRAG_MODE, NVImage, Niivue, SHOW_RENDER, SLICE_TYPE } from '@niivue/niivue'
