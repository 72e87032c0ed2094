// One canvas with one NiiVue: a sequence, the outline drawn on it and the map of uncertainty above.
import { DRAG_MODE, Niivue, SHOW_RENDER, SLICE_TYPE } from '../vendor/niivue.js'

const GRID = 2 // NiiVue's layout of two by two tiles
const MANY_VOXELS = 2_000_000
const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i

const LOOK = {
  isRadiologicalConvention: true,
  showAllOrientationMarkers: true,
  multiplanarShowRender: SHOW_RENDER.ALWAYS,
  multiplanarLayout: GRID,
  dragMode: DRAG_MODE.windowing, // right button
  dragModePrimary: DRAG_MODE.crosshair,
  dragAndDropEnabled: false, // a file dropped here would look like a part of the study
  backColor: [0.02, 0.03, 0.04, 1],
  crosshairColor: [0.45, 0.85, 0.45, 0.8],
  crosshairWidth: 0.25,
  crosshairWidthUnit: 'percent',
  crosshairGap: 12,
  fontMinPx: 17,
  fontColor: [0.85, 0.9, 0.95, 1],
  measureLineColor: [1, 0.85, 0.2, 1],
  rulerColor: [1, 0.85, 0.2, 1],
  rulerWidth: 2,
  measureTextColor: [1, 0.85, 0.2, 1],
  isAntiAlias: false,
  loadingText: '',
  logLevel: 'error'
}

export const VIEWS = {
  grid: SLICE_TYPE.MULTIPLANAR,
  axial: SLICE_TYPE.AXIAL,
  coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL,
  render: SLICE_TYPE.RENDER
}

export const DRAGS = {
  crosshair: DRAG_MODE.crosshair,
  window: DRAG_MODE.windowing,
  distance: DRAG_MODE.measurement,
  zoom: DRAG_MODE.pan
}

export class Pane {
  constructor(element) {
    this.element = element
    this.canvas = element.querySelector('canvas')
    this.name = element.querySelector('.v-name')
    this.sequence = null
    this.nv = new Niivue(LOOK)
    this.onMoved = () => {}
  }

  async open() {
    await this.nv.attachToCanvas(this.canvas, false)
    // NiiVue focuses its canvas at every click, and a browser would scroll the page for it.
    this.canvas.focus = () => HTMLElement.prototype.focus.call(this.canvas, { preventScroll: true })
    this.nv.onLocationChange = () => this.onMoved(this)
  }

  // Without a graphics card a large 3-D picture takes long, and beside three planes it would be drawn at every step.
  isSlowFor(image) {
    const { gl } = this.nv
    const info = gl.getExtension('WEBGL_debug_renderer_info')
    const renderer = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER)
    return image.img.length > MANY_VOXELS && SOFTWARE.test(renderer)
  }

  // All sequences lie on one grid, so that the crosshair, the zoom and the outline stay where they are.
  show(sequence, image, title, map) {
    const nv = this.nv
    this.sequence = sequence
    this.name.textContent = title
    nv.opts.multiplanarShowRender = this.isSlowFor(image) ? SHOW_RENDER.NEVER : SHOW_RENDER.ALWAYS
    nv.volumes = map ? [image, map] : [image]
    nv.back = image
    nv.overlays = nv.volumes.slice(1)
    nv.updateGLVolume()
  }

  draw(outline, lut, opacity) {
    const nv = this.nv
    if (nv.drawBitmap !== outline.labels) {
      nv.drawTexture = nv.r8Tex(nv.drawTexture, nv.gl.TEXTURE7, nv.back.dims, true)
      nv.drawBitmap = outline.labels
    }
    nv.drawLut = { lut, labels: [] }
    nv.drawRimOpacity = 1
    nv.drawOpacity = opacity
    nv.refreshColormaps()
    nv.refreshDrawing(true)
  }

  refreshMap() {
    if (this.nv.overlays.length) this.nv.refreshLayers(this.nv.overlays[0], 1)
    this.nv.drawScene()
  }

  refreshOutline() {
    this.nv.refreshDrawing(true)
  }

  setView(view) {
    this.nv.setSliceType(VIEWS[view])
  }

  setDrag(tool) {
    this.nv.opts.dragModePrimary = DRAGS[tool] ?? DRAG_MODE.none
    // The right button's mode also decides whether the wheel zooms.
    this.nv.opts.dragMode = tool === 'zoom' ? DRAG_MODE.pan : DRAG_MODE.windowing
  }

  showWhole() {
    this.nv.scene.volScaleMultiplier = 1
    this.nv.setPan2Dxyzmm([0, 0, 0, 1])
  }

  goTo(voxel, shape) {
    this.nv.scene.crosshairPos = voxel.map((value, axis) => (value + 0.5) / shape[axis])
    this.nv.drawScene()
    this.onMoved(this)
  }

  get position() {
    return this.nv.scene.crosshairPos
  }

  follow(other) {
    this.nv.scene.crosshairPos = [...other.nv.scene.crosshairPos]
    this.nv.scene.pan2Dxyzmm = [...other.nv.scene.pan2Dxyzmm]
    this.nv.drawScene()
  }

  // The slice under a point of the canvas (CSS pixels): its flat axis and the voxel there; null outside of any slice.
  voxelAt(x, y, shape) {
    const nv = this.nv
    const scale = nv.uiData.dpr
    const tile = nv.tileIndex(x * scale, y * scale)
    if (tile < 0 || nv.screenSlices[tile].axCorSag > SLICE_TYPE.SAGITTAL) return null
    const place = nv.screenXY2TextureFrac(x * scale, y * scale, tile, false)
    const voxel = [0, 1, 2].map((axis) => Math.floor(place[axis] * shape[axis]))
    if (voxel.some((value, axis) => value < 0 || value >= shape[axis])) return null
    const { leftTopWidthHeight, fovMM } = nv.screenSlices[tile]
    const pixelsPerMm = Math.abs(leftTopWidthHeight[2] / fovMM[0]) / scale
    return { tile, flat: 2 - nv.screenSlices[tile].axCorSag, voxel, pixelsPerMm }
  }
}
