// Naming sequences: no two files for one, and what will be missing said before the study is read.
import { ask } from './room.js'

const form = document.getElementById('sequences')
const selects = [...form.querySelectorAll('select')]
const button = document.getElementById('read')
const isOpen = form.dataset.open === 'yes'
const wanted = ['t1', 't1c', 't2', 'flair']

function check() {
  const named = selects.map((each) => each.value).filter(Boolean)
  const twice = wanted.filter((each) => named.filter((other) => other === each).length > 1)
  const missing = wanted.filter((each) => !named.includes(each))
  for (const each of selects) each.setAttribute('aria-invalid', String(twice.includes(each.value)))
  const words = []
  if (twice.length) words.push(`${twice.join(', ')}: chosen more than once.`)
  if (missing.length && missing.length < 4) words.push(`Without ${missing.join(', ')}: what depends on it will be not assessable.`)
  if (!named.length) words.push('At least one sequence is needed.')
  document.getElementById('missing').textContent = words.join(' ')
  button.disabled = !isOpen || twice.length > 0 || !named.length
}

for (const each of selects) {
  each.disabled = !isOpen
  each.addEventListener('change', check)
}
check()

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  button.disabled = true
  const study = form.dataset.study
  try {
    await ask('PUT', `/api/studies/${study}/sequences`, Object.fromEntries(selects.map((each) => [each.name, each.value || null])))
    await ask('POST', `/api/studies/${study}/readings`)
    location.assign('/')
  } catch (error) {
    const place = document.getElementById('refusal')
    place.textContent = error.message
    place.hidden = false
    check()
  }
})
