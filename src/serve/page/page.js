// The page is complete without this. It keeps the overview's numbers up to date, asks before what cannot be taken back
// lightly, selects all rows, and copies commands.
'use strict'

const live = document.querySelector('[data-live]')
if (live) {
  let failures = 0
  const refresh = async () => {
    if (document.hidden) return
    try {
      const answer = await fetch(live.dataset.live, { headers: { accept: 'text/html', 'x-live': '1' } })
      if (!answer.ok) throw new Error(String(answer.status))
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-live]')
      // Whoever is typing or has the focus inside is not disturbed.
      if (fresh && !live.contains(document.activeElement)) live.replaceChildren(...fresh.childNodes)
      failures = 0
    } catch {
      failures += 1
      const status = live.querySelector('[data-live-status]')
      if (status && failures > 1) status.textContent = 'The server does not answer; these numbers are old.'
    }
  }
  setInterval(refresh, 15000)
}

for (const form of document.querySelectorAll('form[data-confirm]')) {
  form.addEventListener('submit', (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault()
  })
}

for (const all of document.querySelectorAll('input[data-all]')) {
  all.hidden = false
  const boxes = () => all.form.querySelectorAll(`input[name="${all.dataset.all}"]`)
  all.addEventListener('change', () => boxes().forEach((box) => { box.checked = all.checked }))
}

for (const button of document.querySelectorAll('button[data-copy]')) {
  button.hidden = false
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent)
    button.textContent = 'Copied'
    setTimeout(() => { button.textContent = 'Copy' }, 2000)
  })
}
