// Buttons, numbers and keys. One table of keys: what it says in the help is what they do.
import { savePicture } from './screenshot.js'

const SIDES = ['side-axial', 'side-coronal', 'side-sagittal']

export function wireTools(viewer, brush) {
  const find = (selector) => viewer.root.querySelector(selector)
  const all = (selector) => [...viewer.root.querySelectorAll(selector)]
  const view = find('#v-view')
  const keys = keysOf(viewer, brush, find)

  for (const button of all('[data-sequence]')) button.addEventListener('click', () => viewer.setSequence(button.dataset.sequence))
  for (const button of all('[data-tool]')) button.addEventListener('click', () => viewer.setTool(button.dataset.tool))
  view.addEventListener('change', () => viewer.setView(view.value))
  find('#v-picture').addEventListener('click', () => savePicture(viewer))
  find('#v-full').addEventListener('click', () => toggleFull(viewer.root))
  find('#v-help-open').addEventListener('click', () => find('#v-help').showModal())
  find('#v-whole').addEventListener('click', () => viewer.open.forEach((pane) => pane.showWhole()))
  find('#v-clear').addEventListener('click', () => clearDistances(viewer))

  viewer.root.addEventListener('viewer', () => {
    for (const button of all('[data-sequence]')) {
      const name = button.dataset.sequence
      button.disabled = !viewer.images.has(name)
      button.setAttribute('aria-pressed', String(name === viewer.sequence))
    }
    for (const button of all('[data-tool]')) button.setAttribute('aria-pressed', String(button.dataset.tool === viewer.tool))
    find('.v-stage').dataset.cursor = viewer.tool
    if (viewer.map) find('#v-map').disabled = false
  })

  find('#v-keys').replaceChildren(...keys.map(([shown, , words]) => {
    const row = document.createElement('tr')
    const [key, meaning] = [document.createElement('th'), document.createElement('td')]
    key.scope = 'row'
    key.append(Object.assign(document.createElement('kbd'), { textContent: shown }))
    meaning.textContent = words
    row.append(key, meaning)
    return row
  }))
  listen(viewer, keys)
}

// Keys work while the viewer has the focus, or the pointer is over it and nothing else has the focus. NiiVue's own keys,
// one of which opens a window of the browser, never see an event.
function listen(viewer, keys) {
  const isOurs = () => viewer.root.contains(document.activeElement) ||
    (document.activeElement === document.body && viewer.root.matches(':hover'))
  const stage = viewer.root.querySelector('.v-stage')
  stage.addEventListener('keyup', (event) => event.stopPropagation(), { capture: true })
  document.addEventListener('keydown', (event) => {
    if (!isOurs() || !viewer.outline || viewer.root.querySelector('dialog[open]')) return
    if (event.target.matches?.('input:not([type=checkbox]):not([type=radio]), textarea, select')) return
    const pressed = [event.ctrlKey || event.metaKey ? 'Ctrl+' : '', event.key.length === 1 ? event.key.toLowerCase() : event.key].join('')
    const found = keys.find(([, names]) => names.includes(pressed))
    if (event.target.tagName === 'CANVAS') event.stopPropagation()
    if (!found || event.altKey || (event.key === 'Enter' || event.key === ' ')) return
    event.preventDefault()
    found[3](event)
  }, { capture: true })
}

function keysOf(viewer, brush, find) {
  const move = (event) => {
    const [dx, dy, dz] = { ArrowLeft: [1, 0, 0], ArrowRight: [-1, 0, 0], ArrowUp: [0, 1, 0], ArrowDown: [0, -1, 0], PageUp: [0, 0, 1], PageDown: [0, 0, -1] }[event.key]
    viewer.move(dx, dy, dz)
  }
  const nextView = () => {
    const view = find('#v-view')
    view.selectedIndex = (view.selectedIndex + 1) % view.options.length
    viewer.setView(view.value)
  }
  const sides = () => {
    const view = find('#v-view')
    view.value = SIDES.includes(viewer.view) ? 'grid' : SIDES[0]
    viewer.setView(view.value)
  }
  const click = (selector) => () => find(selector)?.click()
  return [
    ['1 to 4', ['1', '2', '3', '4'], 'T1, T1c, T2, FLAIR', (event) => click(`[data-place="${event.key}"]`)()],
    ['Arrows', ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'], 'Move the crosshair to the patient’s right, left, front or back as on the axial picture', move],
    ['Page up, down', ['PageUp', 'PageDown'], 'One slice up or down', move],
    ['V', ['v'], 'Next view', nextView],
    ['N', ['n'], 'All sequences side by side, and back', sides],
    ['M', ['m'], 'Outline on or off', () => viewer.layers.toggleOutline()],
    ['U', ['u'], 'Map of uncertainty on or off', () => viewer.layers.toggleMap()],
    ['C', ['c'], 'Crosshair', () => viewer.setTool('crosshair')],
    ['W', ['w'], 'Window and level by dragging', () => viewer.setTool('window')],
    ['R', ['r'], 'Window and level as at first', click('#v-window-reset')],
    ['Z', ['z'], 'Zoom with the wheel, move by dragging', () => viewer.setTool('zoom')],
    ['0', ['0'], 'The whole picture again', click('#v-whole')],
    ['D', ['d'], 'Measure a distance', () => viewer.setTool('distance')],
    ['B', ['b'], 'Brush', click('[data-tool="brush"]')],
    ['X', ['x'], 'Erase with the brush', click('[name="v-label"][value="0"]')],
    ['+, −', ['+', '-', '='], 'Larger or smaller brush', (event) => brush.resize?.(event.key === '-' ? -1 : 1)],
    ['Ctrl Z', ['Ctrl+z'], 'Take the last stroke back; with Shift put it on again', (event) => click(event.shiftKey ? '#v-redo' : '#v-undo')()],
    ['Ctrl Y', ['Ctrl+y'], 'Put a stroke on again', click('#v-redo')],
    ['S', ['s'], 'Save a picture', click('#v-picture')],
    ['F', ['f'], 'Full screen, and back', click('#v-full')],
    ['?', ['?'], 'This list', click('#v-help-open')]
  ]
}

function toggleFull(root) {
  if (document.fullscreenElement) document.exitFullscreen()
  else root.requestFullscreen?.()
}

function clearDistances(viewer) {
  for (const pane of viewer.open) pane.nv.clearMeasurements()
}
