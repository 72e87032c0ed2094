// Colours of the outline and of the map of uncertainty, which rows of the legend are on, and how strong they are.

// Okabe and Ito's palette: told apart with every kind of colour vision.
export const COLOURS = { 1: [240, 228, 66], 2: [86, 180, 233], 3: [213, 94, 0] }

export const LARGEST_NATS = Math.log(4) // entropy of four equally likely classes
const STOPS = [[18, 6, 54], [96, 19, 110], [186, 54, 85], [247, 125, 21], [252, 250, 160]]
export const FADES_BELOW_NATS = 0.35
const LEAST_OPACITY = 0.004 // at 0 NiiVue would not draw the borders either

export const MAP_COLOURS = {
  R: STOPS.map((stop) => stop[0]),
  G: STOPS.map((stop) => stop[1]),
  B: STOPS.map((stop) => stop[2]),
  A: [0, 255, 255, 255, 255],
  I: STOPS.map((_, place) => Math.round(255 * place / (STOPS.length - 1)))
}

export function gradient() {
  return `linear-gradient(90deg, ${STOPS.map((stop) => `rgb(${stop.join(' ')})`).join(', ')})`
}

export class Layers {
  constructor(root, rows, onChange) {
    this.rows = rows
    this.onChange = onChange
    this.boxes = new Map(rows.map((row) => [row.id, root.querySelector(`[data-layer="${row.id}"]`)]))
    this.fill = root.querySelector('#v-fill')
    this.mapBox = root.querySelector('#v-map')
    this.mapFill = root.querySelector('#v-map-fill')
    root.querySelector('#v-map-bar').style.background = gradient()
    for (const row of rows) {
      const swatch = root.querySelector(`[data-swatch="${row.id}"]`)
      if (row.labels.length) swatch.style.background = `rgb(${COLOURS[row.colour].join(' ')})`
    }
    for (const box of this.boxes.values()) box.addEventListener('change', () => onChange('outline'))
    this.fill.addEventListener('input', () => onChange('outline'))
    this.mapBox.addEventListener('change', () => onChange('map'))
    this.mapFill.addEventListener('input', () => onChange('map'))
  }

  // 256 colours by label; a label whose row is off or not assessable is transparent.
  lut() {
    const lut = new Uint8ClampedArray(1024)
    for (const row of this.rows) {
      if (!this.boxes.get(row.id).checked) continue
      for (const label of row.labels) lut.set([...COLOURS[row.colour], 255], 4 * label)
    }
    return lut
  }

  get opacity() {
    return Math.max(LEAST_OPACITY, Number(this.fill.value) / 100)
  }

  get mapOpacity() {
    return this.mapBox.checked ? Number(this.mapFill.value) / 100 : 0
  }

  rowOf(label) {
    return this.rows.find((row) => row.labels.includes(label))
  }

  toggleOutline() {
    const boxes = [...this.boxes.values()].filter((box) => !box.disabled)
    const isOn = boxes.some((box) => box.checked)
    for (const box of boxes) box.checked = !isOn
    this.onChange('outline')
  }

  toggleMap() {
    if (this.mapBox.disabled) return
    this.mapBox.checked = !this.mapBox.checked
    this.onChange('map')
  }
}
