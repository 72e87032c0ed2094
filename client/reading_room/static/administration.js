// Accounts: add, reset, change role, close; and one's own password.

import { ask, say } from './room.js'

function refuse(form, error) {
  const place = form.querySelector('.problem')
  place.replaceChildren(...error.message.split('\n').map((line) => {
    const paragraph = document.createElement('p')
    paragraph.textContent = line
    return paragraph
  }))
  place.hidden = false
}

function submit(form, send) {
  form?.addEventListener('submit', async (event) => {
    event.preventDefault()
    const button = form.querySelector('button.primary')
    button.disabled = true
    try {
      await send()
    } catch (error) {
      refuse(form, error)
    }
    button.disabled = false
  })
}

function address(name, part = '') {
  return `/api/accounts/${encodeURIComponent(name)}${part}`
}

const add = document.getElementById('add-account')
submit(add, async () => {
  await ask('POST', '/api/accounts', Object.fromEntries(new FormData(add)))
  location.reload()
})

for (const dialog of document.querySelectorAll('dialog')) {
  dialog.querySelector('[data-cancel]')?.addEventListener('click', () => dialog.close())
}

const reset = document.getElementById('reset')
const closing = document.getElementById('close')
let chosen = ''

function open(dialog, name) {
  chosen = name
  dialog.querySelector('form').reset()
  dialog.querySelector('.problem').hidden = true
  dialog.querySelector('b').textContent = name
  dialog.showModal()
}

for (const row of document.querySelectorAll('[data-account]')) {
  const name = row.dataset.account
  row.querySelector('[data-reset]')?.addEventListener('click', () => open(reset, name))
  row.querySelector('[data-disable]')?.addEventListener('click', () => open(closing, name))
  const role = row.querySelector('[data-role]')
  const before = role?.value
  role?.addEventListener('change', async () => {
    try {
      await ask('PUT', address(name, '/role'), { role: role.value })
      say(`${name} is now ${role.value}; the user's sessions have ended.`)
    } catch (error) {
      role.value = before
      say(error.message)
    }
  })
}

submit(reset?.querySelector('form'), async () => {
  await ask('PUT', address(chosen, '/password'), { password: document.getElementById('reset-password').value })
  reset.close()
  say(`The password of ${chosen} was changed.`)
})
submit(closing?.querySelector('form'), async () => {
  await ask('DELETE', address(chosen))
  location.reload()
})

const own = document.getElementById('own-password')
submit(own, async () => {
  const password = document.getElementById('password').value
  if (password !== document.getElementById('again').value) {
    throw new Error('new password: found two different ones; expected the same twice; type it again')
  }
  await ask('PUT', '/api/account/password', { present: document.getElementById('present').value, password })
  location.assign('/sign-in')
})
