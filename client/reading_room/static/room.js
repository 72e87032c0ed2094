// What every page needs: requests with the page's token, words at the edge, signing out.

const csrf = document.querySelector('meta[name=csrf]').content

export async function ask(method, address, body) {
  const headers = { 'X-CSRF-Token': csrf }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  const answer = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  if (answer.status === 401) location.assign('/sign-in')
  const content = answer.status === 204 ? null : await answer.json().catch(() => null)
  if (!answer.ok) throw new Error(content?.error ?? `found status ${answer.status}; expected success; try again`)
  return content
}

export function token() {
  return csrf
}

export function say(words) {
  const toast = document.getElementById('toast')
  toast.textContent = words
  toast.hidden = false
  clearTimeout(say.timer)
  say.timer = setTimeout(() => { toast.hidden = true }, 8000)
}

document.getElementById('sign-out')?.addEventListener('click', async () => {
  await ask('POST', '/api/sign-out').catch(() => {})
  location.assign('/sign-in')
})
