// A simulated user with a browser: opens a URL, follows redirects, fills in every form and consents to everything.
//
//   node person.mjs ACCOUNT URL [USER_CODE]
import { pathToFileURL } from 'node:url';

function formOf(page, here) {
  const form = page.match(/<form\b[^>]*>/i)?.[0];
  if (!form) return undefined;
  const attribute = (tag, name) => tag.match(new RegExp(`\\b${name}="([^"]*)"`, 'i'))?.[1]?.replaceAll('&amp;', '&');
  const fields = new Map();
  for (const [tag] of page.matchAll(/<input\b[^>]*>/gi)) {
    const name = attribute(tag, 'name');
    if (name) fields.set(name, attribute(tag, 'value') ?? '');
  }
  return { action: new URL(attribute(form, 'action') ?? here, here), fields };
}

// Node 18 has no getSetCookie and joins the headers with commas. A comma inside a date is not followed by `name=`.
function cookiesSet(headers) {
  return headers.getSetCookie?.() ?? headers.get('set-cookie')?.split(/,\s*(?=[^;,\s=]+=)/) ?? [];
}

// Stops at an address for which `stop` is true, or at a page without a form. Returns the last address and page.
export async function visit(start, account, { userCode, stop = () => false } = {}) {
  const cookies = new Map();
  let url = new URL(start);
  let body;
  for (let step = 0; step < 30; step += 1) {
    if (stop(url)) return { url, page: '' };
    const response = await fetch(url, {
      method: body ? 'POST' : 'GET',
      body,
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of cookiesSet(response.headers)) {
      const [pair] = line.split(';');
      const at = pair.indexOf('=');
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    body = undefined;
    const location = response.headers.get('location');
    const page = await response.text();
    if (location) {
      url = new URL(location, url);
      continue;
    }
    const form = formOf(page, url);
    if (!form || response.status >= 400) return { url, page, status: response.status };
    if (form.fields.has('login')) form.fields.set('login', account).set('password', 'any');
    if (form.fields.has('user_code') && userCode) form.fields.set('user_code', userCode);
    body = new URLSearchParams([...form.fields]);
    url = form.action;
  }
  throw new Error(`${start} leads nowhere: still at ${url}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , account, url, userCode] = process.argv;
  const end = await visit(url, account, { userCode });
  console.log(`${end.status ?? ''} ${end.url.origin}${end.url.pathname}`);
  process.exit(end.status >= 400 ? 1 : 0);
}
