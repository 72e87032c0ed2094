// Sentences that show the facts behind them, a text in another language or by a model, and questions.
import { ask, say } from './room.js'

const panel = document.getElementById('narrative')
const text = document.getElementById('narrative-text')
const address = `/api/studies/${panel.dataset.study}`
let made = 0

function element(name, properties, ...children) {
  const node = Object.assign(document.createElement(name), properties)
  node.append(...children)
  return node
}

function sentenceLink(sentence) {
  made += 1
  const why = element('span', { className: 'why', id: `why-${made}` },
    ...sentence.facts.map((fact) => element('span', { textContent: fact.text })))
  why.setAttribute('role', 'tooltip')
  const link = element('a', { href: `#fact-${sentence.facts[0].id}`, className: 'sentence' }, sentence.text, why)
  link.dataset.facts = sentence.facts.map((fact) => fact.id).join(' ')
  link.setAttribute('aria-describedby', why.id)
  return link
}

function paragraph(section, language, className = '') {
  const space = language === 'zh' ? '' : ' '
  return element('p', { className }, ...section.sentences.flatMap((sentence) => [sentenceLink(sentence), space]))
}

function paragraphs(answer) {
  return answer.sections.flatMap((section) => [
    element('h3', { textContent: section.title }),
    paragraph(section, answer.language),
  ])
}

function writer(answer) {
  return answer.written_by === 'template' ? 'Template' : answer.written_by
}

async function write(by) {
  const audience = document.getElementById('narrative-audience').value
  const language = document.getElementById('narrative-language').value
  const model = document.getElementById('narrative-model')
  const reason = document.getElementById('narrative-reason')
  text.setAttribute('aria-busy', 'true')
  if (model) model.disabled = true
  reason.hidden = by !== 'model'
  reason.textContent = by === 'model' ? 'The model is writing; its text is checked before it is shown.' : ''
  try {
    const answer = await ask('POST', `${address}/narrative`, { audience, language, by })
    text.lang = answer.language
    text.replaceChildren(...paragraphs(answer))
    document.getElementById('written-by').textContent = writer(answer)
    const draft = answer.audience === 'patient' ? 'A draft: patients get the report that a clinician released.' : ''
    reason.textContent = answer.reason ? `Written by the template. ${answer.reason}` : draft
    reason.hidden = !reason.textContent
  } catch (error) {
    reason.hidden = true
    say(error.message)
  } finally {
    text.removeAttribute('aria-busy')
    if (model) model.disabled = false
  }
}

// The panel that shows a finding is a better place than its line in the list of facts.
const PANELS = {
  type: 'suggestion', task: 'suggestion', histology: 'suggestion', passes: 'suggestion', label: 'suggestion',
  diagnosis: 'layers', reason: 'layers', pathology: 'layers', test: 'layers', flag: 'layers',
  volume: 'sizes', region: 'sizes', share: 'sizes', longest_3d: 'sizes', products: 'sizes', pieces: 'sizes',
  satellites: 'sizes', side: 'sizes', crossing: 'sizes', margin: 'sizes', mismatch: 'sizes',
  without: 'influence', not_assessable: 'not-assessable', check: 'checks', verdict: 'checks',
}

function placeOf(id) {
  return document.querySelector(`[data-fact~="${CSS.escape(id)}"]`)
    ?? document.getElementById(PANELS[id.split('.')[0]] ?? '') ?? document.getElementById(`fact-${id}`)
}

function goTo(ids) {
  const places = [...new Set(ids.map(placeOf).filter(Boolean))]
  if (!places.length) return
  document.querySelectorAll('.pointed-at').forEach((node) => node.classList.remove('pointed-at'))
  for (const place of places) {
    place.closest('details')?.setAttribute('open', '')
    place.classList.add('pointed-at')
  }
  if (!places[0].matches('[tabindex], a, button, summary')) places[0].tabIndex = -1
  places[0].focus({ preventScroll: true })
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches
  places[0].scrollIntoView({ block: 'center', behavior: calm ? 'auto' : 'smooth' })
}

function showAnswer(question, answer) {
  const node = element('article', { className: 'answer', lang: answer.language },
    element('p', { className: 'asked', textContent: question }))
  for (const section of answer.sections) {
    node.append(paragraph(section, answer.language, section.id === 'answer' ? '' : 'beside'))
  }
  const by = answer.reason ? `${writer(answer)}. ${answer.reason}` : writer(answer)
  node.append(element('p', { className: 'beside', textContent: `Answered by: ${by}` }))
  document.getElementById('answers').append(node)
  node.scrollIntoView({ block: 'nearest' })
}

async function pose(question) {
  const button = document.getElementById('ask')
  button.disabled = true
  try {
    const language = document.getElementById('narrative-language').value
    showAnswer(question, await ask('POST', `${address}/questions`, { question, language }))
  } catch (error) { say(error.message) } finally { button.disabled = false }
}

document.addEventListener('click', (event) => {
  const sentence = event.target.closest('a.sentence')
  if (!sentence) return
  event.preventDefault()
  goTo(sentence.dataset.facts.split(' '))
})
for (const id of ['narrative-audience', 'narrative-language']) {
  document.getElementById(id).addEventListener('change', () => write('template'))
}
document.getElementById('narrative-model')?.addEventListener('click', () => write('model'))
document.getElementById('question-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const input = document.getElementById('question')
  const question = input.value.trim()
  if (question) pose(question)
  input.value = ''
})
for (const button of document.querySelectorAll('[data-example]')) {
  button.addEventListener('click', () => pose(button.textContent))
}
