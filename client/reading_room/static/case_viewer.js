// Starts the viewer of a case's page.
import { Brush } from './viewer/brush.js'
import { CaseViewer } from './viewer/case.js'
import { wireCorrection, wireRevisions } from './viewer/correction.js'
import { showReadout } from './viewer/readout.js'
import { wireTools } from './viewer/tools.js'
import { wireWindow } from './viewer/window.js'

function whyNot() {
  if (!document.createElement('canvas').getContext('webgl2')) {
    return 'Pictures need WebGL 2, which this browser does not offer here. Use a current Chrome, Edge, Firefox or Safari with graphics acceleration switched on. The findings beside need none.'
  }
  if (!('DecompressionStream' in window)) {
    return 'This browser is too old to unpack the pictures. Use a current Chrome, Edge, Firefox or Safari. The findings beside need none.'
  }
  return ''
}

async function start(root) {
  const viewer = new CaseViewer(root)
  const problem = whyNot()
  if (problem) {
    root.dataset.state = 'failed'
    viewer.tell(problem, true)
    return
  }
  const brush = new Brush(viewer)
  wireTools(viewer, brush)
  wireWindow(viewer)
  showReadout(viewer)
  wireRevisions(viewer)
  wireCorrection(viewer, brush)
  root.addEventListener('webglcontextlost', () => {
    viewer.tell('The graphics card has given the picture up. Save what you painted is not possible any more: reload the page.', true)
  }, { capture: true })
  // The room's own picture first: unpacking and drawing would keep the browser from showing it.
  await root.querySelector('.v-first').decode().catch(() => {})
  try {
    await viewer.load()
  } catch (error) {
    root.dataset.state = 'failed'
    viewer.tell(`The pictures cannot be shown: ${error.message}`, true)
  }
}

start(document.getElementById('viewer'))
