// Uploads, and a table that keeps itself current.
import { ask, say, token } from './room.js'

const drop = document.getElementById('drop')
const about = document.getElementById('about')
let chosen = []
let running = null

function begin(files) {
  chosen = files.filter((file) => file.size > 0 && !file.name.startsWith('.'))
  if (!chosen.length) return say('found no file; expected NIfTI files, a DICOM folder or a zip')
  const size = chosen.reduce((sum, file) => sum + file.size, 0)
  document.getElementById('chosen').textContent =
    `${chosen.length} ${chosen.length === 1 ? 'file' : 'files'}, ${(size / 1e6).toFixed(1)} MB`
  refuse('')
  document.getElementById('sending').hidden = true
  document.getElementById('send').disabled = false
  about.showModal()
}

function refuse(words) {
  const place = document.getElementById('refusal')
  place.replaceChildren(...words.split('\n').filter(Boolean).map((line) => {
    const row = document.createElement('p')
    row.textContent = line
    return row
  }))
  place.hidden = !words
}

function send(address, name, file, onProgress) {
  return new Promise((resolve, reject) => {
    running = new XMLHttpRequest()
    running.open('PUT', address)
    running.setRequestHeader('X-CSRF-Token', token())
    running.setRequestHeader('Content-Type', 'application/octet-stream')
    running.setRequestHeader('X-File-Name', encodeURIComponent(name)) // never in the address, which proxies keep
    running.upload.onprogress = (event) => onProgress(event.loaded)
    running.onload = () => {
      if (running.status === 201) return resolve()
      let words = `found status ${running.status}; expected success; try again`
      try { words = JSON.parse(running.responseText).error } catch { /* no JSON: the status is all there is */ }
      reject(new Error(words))
    }
    running.onerror = () => reject(new Error('found the connection lost; expected it to last; try again'))
    running.onabort = () => reject(new Error(''))
    running.send(file)
  })
}

async function upload(patient, studyDate) {
  const total = chosen.reduce((sum, file) => sum + file.size, 0)
  const bar = document.getElementById('sent')
  const words = document.getElementById('sent-words')
  document.getElementById('sending').hidden = false
  const { id } = await ask('POST', '/api/uploads')
  let before = 0
  try {
    for (const file of chosen) {
      const name = file.webkitRelativePath || file.name
      await send(`/api/uploads/${id}/files`, name, file, (sent) => {
        const percent = Math.floor(100 * (before + sent) / total)
        bar.value = percent
        words.textContent = `${percent} % sent`
      })
      before += file.size
    }
  } catch (error) {
    await ask('DELETE', `/api/uploads/${id}`).catch(() => {})
    throw error
  }
  words.textContent = 'sent; the files are being looked at'
  bar.removeAttribute('value')
  return ask('POST', `/api/uploads/${id}/study`, { patient, study_date: studyDate || null })
}

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))]
  const reader = entry.createReader()
  const found = []
  for (;;) {
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    if (!part.length) return found
    for (const inner of part) found.push(...await filesOf(inner))
  }
}

if (drop) {
  drop.addEventListener('dragover', (event) => { event.preventDefault(); drop.classList.add('over') })
  drop.addEventListener('dragleave', () => drop.classList.remove('over'))
  drop.addEventListener('drop', async (event) => {
    event.preventDefault()
    drop.classList.remove('over')
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean)
    begin((await Promise.all(entries.map(filesOf))).flat())
  })
  for (const name of ['files', 'folder']) {
    const input = document.getElementById(name)
    input.addEventListener('change', () => { begin([...input.files]); input.value = '' })
  }
  document.getElementById('give-up').addEventListener('click', () => { running?.abort(); about.close() })
  document.getElementById('about-form').addEventListener('submit', async (event) => {
    event.preventDefault()
    const button = document.getElementById('send')
    const form = new FormData(event.target)
    refuse('')
    button.disabled = true
    try {
      const study = await upload(form.get('patient'), form.get('study_date'))
      location.assign(`/studies/${study.id}/sequences`)
    } catch (error) {
      document.getElementById('sending').hidden = true
      refuse(error.message)
      button.disabled = false
    }
  })
}

const rows = document.getElementById('rows')
rows.addEventListener('click', async (event) => {
  const { read, remove } = event.target.dataset
  try {
    if (read) await ask('POST', `/api/studies/${read}/readings`)
    else if (remove && confirm('Remove this study with all its files?')) await ask('DELETE', `/api/studies/${remove}`)
    else return
    await refresh()
  } catch (error) { say(error.message) }
})

async function refresh() {
  const answer = await fetch(`/worklist-rows${location.search}`)
  if (answer.redirected || !answer.ok) return
  const text = await answer.text()
  if (text === refresh.last || rows.contains(document.activeElement)) return
  refresh.last = text
  rows.innerHTML = text
}
setInterval(() => { if (!document.hidden) refresh().catch(() => {}) }, 2000)
