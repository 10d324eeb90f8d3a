// The console works without this. With it, clocks run, keys select and decide, and times are shown in the browser's zone.
(() => {
  'use strict';

  const written = (seconds) => {
    const two = (number) => String(number).padStart(2, '0');
    const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
    if (days > 0) return `${days} d ${hours} h`;
    if (hours > 0) return `${hours} h ${two(minutes)} min`;
    if (minutes > 0) return `${minutes} min ${two(seconds % 60)} s`;
    return `${seconds} s`;
  };


  // On phones the navigation is wider than the page.
  document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

  // How far the browser's clock is behind the gateway's.
  const apart = Number(document.body.dataset.now) - Date.now();

  const tick = () => {
    for (const time of document.querySelectorAll('time.left')) {
      const left = Math.max(0, Math.floor((Number(time.dataset.end) - Date.now() - apart) / 1000));
      const text = written(left);
      if (time.textContent !== text) time.textContent = text;
      time.closest('.clock')?.classList.toggle('short', left < 60);
    }
    for (const time of document.querySelectorAll('time[datetime]:not([title])')) {
      time.title = new Date(time.dateTime).toLocaleString();
    }
  };
  setInterval(tick, 1000);
  tick();

  const rows = () => [...document.querySelectorAll('a[data-row]')];

  const select = (step) => {
    const all = rows();
    if (all.length === 0) return;
    const at = all.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
    all[next].focus();
    all[next].scrollIntoView({ block: 'nearest' });
  };

  // The form that opens is the confirmation.
  const decide = (key) => {
    const action = document.querySelector(`a[data-key="${key}"]`);
    if (action) {
      action.click();
      return;
    }
    const row = document.activeElement;
    if (!row?.matches?.('a[data-row][data-decide]')) return;
    location.assign(`${row.getAttribute('href')}?decide=${key === 'a' ? 'approve' : 'reject'}#reason`);
  };

  // The player goes from statement to statement in their time, as links do without this.
  const player = document.querySelector('.player');
  const go = (selector) => player?.querySelector(selector)?.click();
  if (player?.dataset.next) {
    setTimeout(() => location.replace(player.dataset.next), Number(player.dataset.pause));
  }

  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input, textarea, select');
    if (typing) {
      if (event.key === 'Escape') document.querySelector('a[data-cancel]')?.click();
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) typing.form?.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !'jk'.includes(event.key)) return;
    const actions = {
      j: () => select(1),
      k: () => select(-1),
      a: () => decide('a'),
      r: () => decide('r'),
      h: () => location.assign('/'),
      ...(player && {
        ArrowLeft: () => go('[rel=prev]'),
        ArrowRight: () => go('[rel=next]'),
        ' ': () => go('[data-stop], [data-start]'),
      }),
      Escape: () => document.querySelector('a[data-cancel]')?.click(),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  // The number in the title follows the list.
  document.addEventListener('htmx:after:swap', () => {
    const count = document.querySelector('#requests .count')?.textContent;
    if (document.querySelector('#requests')) document.title = `${count ? `(${count}) ` : ''}Requests · Gatewright`;
    tick();
  });

  document.addEventListener('htmx:sse:close', (event) => {
    const ended = document.querySelector('#ended');
    if (event.detail?.reason === 'message' && ended) ended.hidden = false;
  });
})();
