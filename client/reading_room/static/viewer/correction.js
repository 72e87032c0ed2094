// Correcting the outline: the brush's settings, taking strokes back, saving, sending a file, looking at older revisions.
import { token } from '../room.js'
import { pack } from './files.js'

const SIZES_MM = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]

export function wireRevisions(viewer) {
  const choice = viewer.root.querySelector('#v-revision')
  const older = viewer.root.querySelector('#v-older')
  choice.addEventListener('change', async () => {
    const number = Number(choice.value)
    if (viewer.outline.changed() && !window.confirm('Your strokes are not saved. Leave them?')) {
      choice.value = String(viewer.revision.number)
      return
    }
    await viewer.showRevision(number).catch((error) => viewer.tell(error.message, true))
    const newest = viewer.about.revisions.at(-1).number
    older.textContent = viewer.isNewest ? '' : `The outline is that of revision ${number}. Findings and measures are those of revision ${newest}.`
    older.hidden = viewer.isNewest
    if (viewer.tool === 'brush') viewer.setTool('crosshair')
  })
}

export function wireCorrection(viewer, brush) {
  const find = (selector) => viewer.root.querySelector(selector)
  if (!find('#v-save')) return
  const size = find('#v-size')
  const labels = [...viewer.root.querySelectorAll('[name="v-label"]')]

  const settings = () => {
    brush.label = Number(labels.find((each) => each.checked).value)
    brush.diameterMm = SIZES_MM[Number(size.value)]
    brush.isSphere = find('#v-sphere').checked
    find('#v-size-words').textContent = `${brush.diameterMm} mm`
  }
  brush.resize = (step) => {
    size.value = String(Number(size.value) + step)
    settings()
  }
  for (const input of [...labels, size, find('#v-sphere')]) input.addEventListener('input', settings)
  settings()

  const redo = (how) => () => {
    viewer.outline[how]()
    viewer.refreshOutline()
    viewer.changed('painted')
  }
  find('#v-undo').addEventListener('click', redo('undo'))
  find('#v-redo').addEventListener('click', redo('redo'))

  const show = () => {
    const count = viewer.outline?.changed() ?? 0
    find('#v-undo').disabled = !viewer.outline?.done.length
    find('#v-redo').disabled = !viewer.outline?.undone.length
    find('#v-save').disabled = count === 0 || !viewer.isNewest
    find('[data-tool="brush"]').disabled = !viewer.outline || !viewer.isNewest
    find('#v-changed').textContent = count ? `${count} voxels changed, not saved yet` : 'Nothing changed yet'
  }
  viewer.root.addEventListener('viewer', (event) => event.detail !== 'moved' && show())

  const send = async (body) => {
    const refusal = find('#v-refusal')
    refusal.hidden = true
    find('#v-save').disabled = true
    try {
      await put(viewer, body, find('#v-note').value.trim())
      viewer.isSaved = true
      location.reload()
    } catch (error) {
      refusal.textContent = error.message
      refusal.hidden = false
      show()
    }
  }
  find('#v-save').addEventListener('click', async () => send(await pack(viewer.outline.toFile())))
  find('#v-file').addEventListener('change', async (event) => {
    const [file] = event.target.files
    event.target.value = ''
    if (file) await send(file)
  })
  window.addEventListener('beforeunload', (event) => {
    if (!viewer.isSaved && viewer.outline?.changed()) event.preventDefault()
  })
}

// The note goes in a header: an address would end up in logs.
async function put(viewer, body, note) {
  const newest = viewer.about.revisions.at(-1).number
  const headers = { 'X-CSRF-Token': token(), 'Content-Type': 'application/octet-stream', 'X-Note': encodeURIComponent(note) }
  const answer = await fetch(`/api/studies/${viewer.about.study}/mask?from_revision=${newest}`, { method: 'PUT', headers, body })
  if (answer.status === 401) location.assign('/sign-in')
  const content = await answer.json().catch(() => null)
  if (!answer.ok) throw new Error(content?.error ?? `found status ${answer.status}; expected success; try again`)
}
