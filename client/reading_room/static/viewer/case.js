// The viewer of one case: which sequence, view, tool and revision are shown. The other modules act on it.
import { fetchUnpacked, imageOf, mapOf, placeAs } from './files.js'
import { FADES_BELOW_NATS, LARGEST_NATS, Layers, MAP_COLOURS } from './layers.js'
import { Outline } from './outline.js'
import { Pane } from './pane.js'

const BEST_FIRST = ['t1c', 'flair', 't2', 't1']

export class CaseViewer {
  constructor(root) {
    this.root = root
    this.about = JSON.parse(root.dataset.viewer)
    this.names = this.about.sequences.filter((each) => each.address).map((each) => each.name)
    this.sequence = BEST_FIRST.find((name) => this.names.includes(name))
    this.revision = this.about.revisions.at(-1)
    this.images = new Map()
    this.map = null
    this.outline = null
    this.view = 'grid'
    this.tool = 'crosshair'
    this.panes = [...root.querySelectorAll('.v-pane')].map((element) => new Pane(element))
    this.open = []
    this.layers = new Layers(root, this.about.rows, (what) => (what === 'map' ? this.drawMap() : this.drawOutline()))
  }

  tell(words, isProblem = false) {
    const place = this.root.querySelector('.v-message')
    place.textContent = words
    place.hidden = !words
    place.classList.toggle('bad', isProblem)
  }

  changed(what) {
    this.root.dispatchEvent(new CustomEvent('viewer', { detail: what }))
  }

  title(name) {
    return this.about.sequences.find((each) => each.name === name).title
  }

  // One picture with its outline first, the rest behind it while somebody already looks.
  async load() {
    const first = this.sequence
    const progress = new Map([[first, 0], ['outline', 0]])
    const onPercent = (what) => (percent) => {
      progress.set(what, percent)
      this.tell(`Loading ${this.title(first)} and the outline: ${Math.min(...progress.values())} %`)
    }
    onPercent(first)(0)
    const [bytes, outlineBytes] = await Promise.all([
      fetchUnpacked(this.address(first), onPercent(first)),
      fetchUnpacked(this.revision.seg, onPercent('outline')),
      this.openPane(0)
    ])
    await this.takeImage(first, bytes, outlineBytes)
    this.takeOutline(outlineBytes)
    if (this.panes[0].isSlowFor(this.image)) this.root.querySelector('#v-view option').textContent = 'Three planes'
    this.showAll()
    this.panes[0].goTo(this.outline.middle(), this.outline.shape)
    this.tell('')
    this.root.dataset.state = 'first'
    await this.loadRest()
    this.root.dataset.state = 'ready'
  }

  async loadRest() {
    for (const name of this.names) {
      if (this.images.has(name)) continue
      await this.takeImage(name, await fetchUnpacked(this.address(name)))
      this.changed('loaded')
    }
    if (this.about.uncertainty) {
      this.map = await mapOf(await fetchUnpacked(this.about.uncertainty), FADES_BELOW_NATS, LARGEST_NATS)
      placeAs(this.map, this.outline.bytes)
    }
    this.showAll()
  }

  address(name) {
    return this.about.sequences.find((each) => each.name === name).address
  }

  async openPane(place) {
    if (this.open.includes(this.panes[place])) return
    const pane = this.panes[place]
    pane.element.hidden = false
    await pane.open()
    pane.nv.addColormap('doubt', MAP_COLOURS)
    pane.nv.onIntensityChange = () => this.changed('window')
    pane.onMoved = () => {
      this.lead(pane)
      this.changed('moved')
    }
    for (const event of ['wheel', 'pointermove']) {
      pane.element.addEventListener(event, (at) => {
        if (event === 'wheel' || at.buttons) requestAnimationFrame(() => this.lead(pane))
      }, { passive: true })
    }
    this.open.push(pane)
  }

  async takeImage(name, bytes, outlineBytes = this.outline.bytes) {
    const image = await imageOf(bytes, name)
    placeAs(image, outlineBytes)
    this.images.set(name, image)
  }

  takeOutline(bytes) {
    this.outline = new Outline(bytes, this.image)
    this.changed('outline')
  }

  get visible() {
    return this.open.filter((pane) => !pane.element.hidden)
  }

  get image() {
    return this.images.get(this.sequence)
  }

  imageIn(pane) {
    return this.images.get(pane.sequence)
  }

  showAll() {
    if (this.map) this.map.opacity = this.layers.mapOpacity
    const isSide = this.view.startsWith('side-')
    this.visible.forEach((pane, place) => {
      const name = isSide ? this.names[place] : this.sequence
      if (!this.images.has(name)) return
      pane.show(name, this.images.get(name), this.title(name), this.map)
      pane.setView(this.view.replace('side-', ''))
      pane.setDrag(this.tool)
    })
    this.drawOutline()
    this.changed('shown')
  }

  drawOutline() {
    if (!this.outline) return
    for (const pane of this.visible) {
      if (pane.sequence) pane.draw(this.outline, this.layers.lut(), this.layers.opacity)
    }
  }

  drawMap() {
    if (!this.map) return
    this.map.opacity = this.layers.mapOpacity
    for (const pane of this.visible) pane.refreshMap()
  }

  refreshOutline() {
    for (const pane of this.visible) pane.refreshOutline()
  }

  setSequence(name) {
    if (!this.images.has(name)) return
    this.sequence = name
    this.showAll()
  }

  async setView(view) {
    this.view = view
    const count = view.startsWith('side-') ? this.names.length : 1
    this.panes.forEach((pane, place) => { pane.element.hidden = place >= count })
    this.root.querySelector('.v-stage').dataset.panes = String(count)
    for (let place = 0; place < count; place++) await this.openPane(place)
    this.showAll()
    this.lead(this.panes[0])
  }

  setTool(tool) {
    this.tool = tool
    for (const pane of this.open) pane.setDrag(tool)
    this.changed('tool')
  }

  // The others look where this one looks.
  lead(leader) {
    for (const pane of this.visible) if (pane !== leader && pane.sequence) pane.follow(leader)
  }

  move(dx, dy, dz) {
    this.panes[0].nv.moveCrosshairInVox(dx, dy, dz)
  }

  async showRevision(number) {
    this.revision = this.about.revisions.find((each) => each.number === number)
    this.tell(`Loading the outline of revision ${number}`)
    this.takeOutline(await fetchUnpacked(this.revision.seg))
    this.tell('')
    this.drawOutline()
    this.changed('revision')
  }

  get isNewest() {
    return this.revision === this.about.revisions.at(-1)
  }
}
