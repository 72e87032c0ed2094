// Decisions, labels, pathology and contribution on the case page.

import { ask } from './room.js'

const decide = document.getElementById('decide')
const address = `/api/studies/${decide.dataset.study}`
const revision = Number(decide.dataset.revision)
const dialog = document.getElementById('confirm')

function confirmed(source) {
  if (!source.dataset.confirm) return Promise.resolve(true)
  document.getElementById('confirm-title').textContent = source.dataset.confirm
  document.getElementById('confirm-explain').textContent = source.dataset.explain ?? ''
  dialog.returnValue = 'no'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}

function refuse(place, error) {
  place.replaceChildren(...error.message.split('\n').map((line) => {
    const paragraph = document.createElement('p')
    paragraph.textContent = line
    return paragraph
  }))
  place.hidden = false
}

async function act(source, place, button, send) {
  if (!await confirmed(source)) return
  place.hidden = true
  button.disabled = true
  try {
    await send()
    location.reload()
  } catch (error) {
    refuse(place, error)
    button.disabled = false
  }
}

function onSubmit(id, send) {
  const form = document.getElementById(id)
  form?.addEventListener('submit', (event) => {
    event.preventDefault()
    const button = event.submitter ?? form.querySelector('button')
    act(form, form.querySelector('.problem[role=alert]'), button, () => send(new FormData(form)))
  })
}

onSubmit('sign', (data) => ask('POST', `${address}/signature`, { revision, checks_seen: data.has('checks_seen') }))
onSubmit('reject', (data) => ask('POST', `${address}/rejection`, { revision, note: data.get('note') }))
onSubmit('withdraw', () => ask('POST', `${address}/withdrawal`))
onSubmit('enter-pathology', (data) => {
  // Only what was changed here: the rest of an old page would undo what somebody else entered meanwhile.
  const before = (name) => document.querySelector(`#marker-${name} option[selected]`)?.value ?? ''
  const changed = [...data].filter(([name, value]) => value !== before(name))
  return ask('PUT', `${address}/pathology`, Object.fromEntries(changed))
})
onSubmit('set-labels', (data) => {
  const { note, ...classes } = Object.fromEntries(data)
  const chosen = Object.entries(classes).map(([task, value]) => [task, value === '' ? null : Number(value)])
  return ask('PUT', `${address}/labels`, { revision, note, labels: Object.fromEntries(chosen) })
})

for (const button of document.querySelectorAll('[data-act]')) {
  const place = button.closest('section').querySelector('.problem[role=alert]')
  button.addEventListener('click', () => {
    const seen = button.dataset.act === 'release' ? { revision } : undefined
    act(button, place, button, () => ask(button.dataset.method ?? 'POST', `${address}/${button.dataset.act}`, seen))
  })
}

for (const button of document.querySelectorAll('[data-open], [data-close]')) {
  button.addEventListener('click', () => {
    const form = document.getElementById(button.dataset.open ?? button.dataset.close)
    form.hidden = 'close' in button.dataset
    document.getElementById('sign').hidden = !form.hidden
    if (!form.hidden) form.querySelector('textarea').focus()
  })
}
