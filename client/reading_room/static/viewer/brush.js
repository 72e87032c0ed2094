// Painting with the pointer: NiiVue never sees the events of a stroke, so that it neither moves nor draws.

export class Brush {
  constructor(viewer) {
    this.viewer = viewer
    this.label = 0
    this.diameterMm = 4
    this.isSphere = false
    this.last = null
    this.asked = false
    this.ring = viewer.root.querySelector('.v-ring')
    const stage = viewer.root.querySelector('.v-stage')
    stage.addEventListener('pointerdown', (event) => this.down(event), { capture: true })
    stage.addEventListener('pointermove', (event) => this.moved(event), { capture: true })
    stage.addEventListener('pointerleave', () => { this.ring.hidden = true })
    for (const end of ['pointerup', 'pointercancel']) stage.addEventListener(end, () => this.up(), { capture: true })
    for (const touch of ['touchstart', 'touchmove', 'touchend']) {
      stage.addEventListener(touch, (event) => this.isOn && event.stopPropagation(), { capture: true })
    }
  }

  get isOn() {
    return this.viewer.tool === 'brush'
  }

  at(event) {
    const pane = this.viewer.visible.find((each) => each.canvas === event.target)
    const { left, top } = event.target.getBoundingClientRect()
    return pane ? pane.voxelAt(event.clientX - left, event.clientY - top, this.viewer.outline.shape) : null
  }

  down(event) {
    if (!this.isOn || event.button !== 0 || event.target.tagName !== 'CANVAS') return
    event.preventDefault()
    event.stopPropagation()
    event.target.focus()
    event.target.setPointerCapture(event.pointerId)
    this.viewer.outline.begin()
    this.paint(this.at(event))
  }

  moved(event) {
    if (!this.isOn) return
    const here = event.target.tagName === 'CANVAS' && this.viewer.outline ? this.at(event) : null
    this.showRing(event, here)
    if (this.viewer.outline?.stroke) this.paint(here)
  }

  up() {
    const { outline } = this.viewer
    if (!outline?.stroke) return
    outline.end()
    this.last = null
    this.viewer.changed('painted')
  }

  // A fast stroke has few events: the gaps between them are painted too, within one slice.
  paint(here) {
    if (!here) {
      this.last = null
      return
    }
    const { outline } = this.viewer
    const from = this.last?.tile === here.tile ? this.last.voxel : here.voxel
    const steps = Math.max(1, ...here.voxel.map((value, axis) => Math.abs(value - from[axis])))
    for (let step = 0; step <= steps; step++) {
      const centre = here.voxel.map((value, axis) => Math.round(from[axis] + (value - from[axis]) * step / steps))
      outline.stamp(centre, this.diameterMm / 2, this.label, this.isSphere ? null : here.flat)
    }
    this.last = here
    if (this.asked) return
    this.asked = true
    requestAnimationFrame(() => {
      this.asked = false
      this.viewer.refreshOutline()
    })
  }

  showRing(event, here) {
    this.ring.hidden = !here
    if (!here) return
    const { left, top } = this.ring.parentElement.getBoundingClientRect()
    const size = Math.max(4, this.diameterMm * here.pixelsPerMm)
    Object.assign(this.ring.style, {
      width: `${size}px`,
      height: `${size}px`,
      left: `${event.clientX - left - size / 2}px`,
      top: `${event.clientY - top - size / 2}px`
    })
  }
}
