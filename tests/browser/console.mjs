// A person at the console, in headless Chromium. The test that starts this holds statements and says what became of them: each
// line printed is a question, and the next line of the input is its answer.
//
//   node console.mjs MODULES CHROMIUM CONSOLE_URL PICTURES
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';

const [, , modules, executablePath, console_, pictures] = process.argv;
const require = createRequire(join(modules, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function ask(...words) {
  console.log(JSON.stringify(words));
  const { value, done } = await answers.next();
  if (done) throw new Error(`no answer to ${words}`);
  return JSON.parse(value);
}

// A browser that waits forever must fail the test instead of blocking it.
setTimeout(() => { console.error('too slow'); process.exit(9); }, 280_000).unref();

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
const wide = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };
const at = (path) => `${console_}${path}`;

// What the browser itself complains of, such as a violation of the content security policy.
const complaints = [];
async function open(options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: wide, ...options });
  context.setDefaultTimeout(30_000);
  context.on('console', (message) => {
    const { url } = message.location();
    // That a page was refused is for the steps to say. A page that is left while it asks for news says that it failed to.
    const refusal = /status of 4\d\d/.test(message.text()) && !url.includes('/assets/') || /Failed to fetch/.test(message.text());
    if (message.type() === 'error' && url.startsWith(console_) && !refusal) complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  return context;
}

async function logIn(page, account) {
  await page.click('main a.button');
  await page.fill('input[name=login]', account);
  await page.fill('input[name=password]', 'any');
  await page.click('button[type=submit]');
  // Consent.
  await page.click('button[type=submit]');
}

async function state(page, expected) {
  await page.locator('#status .state', { hasText: expected }).waitFor();
}

const steps = {
  async 'a link leads through the login to its request'(shared) {
    shared.first = await ask('hold', 'DELETE FROM orders WHERE placed_at < now() - interval \'2 years\'', 'prune old orders');
    shared.bob = await open();
    const page = await shared.bob.newPage();
    await page.goto(at(`/requests/${shared.first}`));
    assert.equal(new URL(page.url()).pathname, '/login');
    await logIn(page, 'bob');
    await page.waitForURL(at(`/requests/${shared.first}`));
    await page.getByText('DELETE FROM orders').waitFor();
    const cookies = (await shared.bob.cookies(console_)).filter(({ name }) => name.includes('gatewright'));
    assert.deepEqual(cookies.map(({ name, httpOnly, secure, sameSite, path }) => [name, httpOnly, secure, sameSite, path]),
      [['__Host-gatewright-session', true, true, 'Lax', '/']]);
    shared.page = page;
  },

  async 'keys select, open and approve'({ page, first }) {
    await page.goto(at('/'));
    await page.keyboard.press('j');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), `/requests/${first}`);
    await page.keyboard.press('a');
    await page.waitForURL(/decide=approve/);
    await page.locator('textarea:focus').waitFor();
    await page.keyboard.type('ticket 4711: a and r are letters here');
    await page.keyboard.press('Control+Enter');
    await page.getByText('Your decision is recorded').waitFor();
    const outcome = await ask('outcome', first);
    assert.deepEqual(outcome, { approved: 'bob', reason: 'ticket 4711: a and r are letters here' });
    await state(page, 'Running');
    await ask('executed', first, 1204);
    await state(page, 'Executed');
    await page.locator('#status', { hasText: '1204 rows' }).waitFor();
  },

  async 'without JavaScript people read and reject'({ bob }) {
    const id = await ask('hold', 'TRUNCATE sessions', 'clean up');
    const context = await open({ javaScriptEnabled: false, storageState: await bob.storageState() });
    const page = await context.newPage();
    await page.goto(at('/'));
    await page.click(`a[href="/requests/${id}"]`);
    await page.click('text=Reject…');
    await page.fill('textarea', 'not on a Friday\nask again');
    await page.click('form button.reject');
    await page.getByText('Your decision is recorded').waitFor();
    assert.equal(await page.locator('#status .state').textContent(), 'Rejected');
    assert.deepEqual(await ask('outcome', id), { rejected: 'bob', reason: 'not on a Friday\nask again' });
    await context.close();
  },

  async 'a statement of psql waits on its connection and goes on'({ page }) {
    await page.goto(at('/'));
    await ask('psql', 'DELETE FROM baskets');
    await page.locator('.card', { hasText: 'DELETE FROM baskets' }).locator('a.cover').click();
    await page.waitForURL(/requests/);
    const { href } = await page.evaluate(() => location);
    await page.keyboard.press('a');
    await page.locator('textarea:focus').waitFor();
    await page.click('form button.approve');
    await state(page, 'Executed');
    await page.locator('#status', { hasText: '7 rows' }).waitFor();
    const [said, notice] = await ask('psql ended');
    assert.equal(said, 'DELETE 7');
    assert.match(notice, /held for approval/);
    assert.ok(notice.includes(href), 'the notice leads to the page');
    // A policy in shadow mode would have refused it.
    await page.goto(at('/policies'));
    const shadow = page.locator('.card', { hasText: 'deny-list' }).locator('.figures .short', { hasText: 'Would have stopped' });
    assert.match(await shadow.locator('dd').innerText(), /^[1-9]/);
  },

  async 'what ran without waiting for reviewers is reviewed'({ page }) {
    const id = await ask('broken', 'DELETE FROM carts WHERE stuck', 'outage 42: checkout is down');
    await page.goto(at('/'));
    await page.click(`a[href="/requests/${id}"]`);
    await page.getByText('ran without waiting for reviewers').waitFor();
    await page.locator('.notice .reason', { hasText: 'outage 42' }).waitFor();
    await page.click('a.button.review');
    await page.fill('textarea', 'was the outage of Monday');
    await page.click('form button.review');
    await page.locator('.notice', { hasText: 'Reviewed by bob' }).waitFor();
  },

  async 'administrators see sessions and end them'({ page }) {
    await ask('psql again', 'SELECT pg_sleep(600)');
    await page.goto(at('/'));
    await page.click('nav >> text=Sessions');
    const card = page.locator('.card', { hasText: 'ada' });
    await card.waitFor();
    await page.screenshot({ path: join(pictures, 'sessions.png'), fullPage: true });
    await card.getByText('End').click();
    await page.getByText('End this session').waitFor();
    await page.screenshot({ path: join(pictures, 'ending.png'), fullPage: true });
    await page.click('form button.reject');
    await page.getByText('The session is being ended').waitFor();
    const [, said] = await ask('psql ended');
    assert.match(said, /terminating connection due to administrator command/);
    await page.goto(at('/sessions'));
    await page.getByText('Nobody is connected to this gateway').waitFor();
    await page.click('nav >> text=Policies');
    await page.getByText('approve-destructive').waitFor();
  },

  async 'viewers see what was recorded'(shared) {
    const { page, bob } = shared;
    await ask('psql again', 'SELECT g AS number, repeat(chr(65 + g % 26), 8) AS name, g * 1.5 AS price FROM generate_series(1, 120) AS g; SELECT pg_sleep(0.5); SELECT \'<b>\' AS "two\u202e"');
    await ask('psql ended');
    await page.goto(at('/'));
    await page.click('nav >> text=Record');
    const found = page.locator('.found a.cover', { hasText: 'generate_series' });
    // The index is a little behind.
    for (;;) {
      await page.goto(at('/record'));
      await page.fill('#q', 'generate_series "repeat chr"');
      await page.keyboard.press('Enter');
      await page.locator('.results').waitFor();
      if (await found.count() === 1) break;
    }
    await page.locator('mark', { hasText: 'generate_series' }).waitFor();
    await found.click();
    await page.locator('table.changes td', { hasText: 'BBBBBBBB' }).first().waitFor();
    assert.equal(await page.locator('table.changes tbody tr').count(), 50);
    await page.click('text=Next rows');
    await page.locator('.pages', { hasText: 'Rows 51 to 100 of 120' }).waitFor();
    await page.click('text=All statements');
    await page.locator('.moment', { hasText: 'pg_sleep' }).waitFor();
    const session = new URL(page.url()).pathname;
    await page.fill('#number', '2');
    await page.keyboard.press('Enter');
    await page.waitForURL(at(`${session}/2`));
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL(at(`${session}/1`));
    // The player goes on by itself, to the last one.
    await page.keyboard.press(' ');
    await page.waitForURL(at(`${session}/3?play=1`));
    await page.locator('.named', { hasText: 'U+202E' }).first().waitFor();
    await page.locator('td', { hasText: '<b>' }).waitFor();
    // An open session is shown as it goes on.
    await ask('psql again', 'SELECT pg_sleep(600)');
    for (;;) {
      await page.goto(at('/record?open=1'));
      if (await page.locator('.card a.cover', { hasText: 'ada' }).count() > 0) break;
    }
    await page.locator('.card a.cover', { hasText: 'ada' }).first().click();
    await page.locator('.moment .state', { hasText: 'Running' }).waitFor();
    const open = new URL(page.url()).pathname.split('/')[2];
    const other = await bob.newPage();
    await other.goto(at(`/sessions?end=${open}`));
    await other.click('form button.reject');
    await other.close();
    await ask('psql ended');
    await page.locator('.title .state', { hasText: 'Ended' }).waitFor();
    await page.locator('.steps', { hasText: 'bob' }).waitFor();
    // Whoever looked is in the record.
    await page.goto(at('/record?subject=bob'));
    await page.locator('.card', { hasText: 'viewed the record' }).first().waitFor();
    shared.session = session;
  },

  async 'pages follow what happens'({ page, bob }) {
    await page.goto(at('/'));
    await page.evaluate(() => { window.same = true; });
    const id = await ask('hold', 'ALTER TABLE customers DROP COLUMN phone', 'migration 42');
    const card = page.locator(`#r-${id}`);
    await card.waitFor();
    await page.waitForFunction(() => document.title.startsWith('(1)'));
    const other = await bob.newPage();
    await other.goto(at(`/requests/${id}`));
    await ask('withdraw', id);
    await state(other, 'Withdrawn');
    await page.locator(`li#r-${id} .state`, { hasText: 'Withdrawn' }).waitFor();
    assert.equal(await page.evaluate(() => window.same), true, 'the page was not loaded again');
    await other.close();
  },

  async 'what is typed stays while the request changes, and the conflict is said'({ page }) {
    const id = await ask('hold', 'DROP TABLE audit_2019', 'cleanup');
    await page.goto(at(`/requests/${id}?decide=approve`));
    await page.fill('textarea', 'looks right');
    await ask('withdraw', id);
    await state(page, 'Withdrawn');
    assert.equal(await page.inputValue('textarea'), 'looks right');
    await page.click('form button.approve');
    await page.getByText('Your decision was not recorded').waitFor();
    await page.getByText('the request is withdrawn').waitFor();
  },

  async 'text of others stays text'({ page }) {
    const text = 'UPDATE c SET n = \'<img src=x onerror="window.hurt=1"><a hx-get="/logout" hx-trigger="load">\' -- \u202e\u2066 ok\u200b';
    const id = await ask('hold', text, '<script>window.hurt=1</script>');
    for (const path of ['/', `/requests/${id}`]) {
      await page.goto(at(path));
      await page.locator('.named', { hasText: 'U+202E' }).first().waitFor();
      assert.equal(await page.evaluate(() => window.hurt), undefined);
      assert.equal(await page.locator('pre.sql img, pre.sql a, .lead script').count(), 0);
      assert.ok(!(await page.content()).includes('\u202e'));
    }
    // Where somebody does get an element into the page, htmx does not obey it: it lacks the page's nonce.
    const obeyed = await page.evaluate(() => {
      const element = document.createElement('a');
      element.setAttribute('hx-post', '/logout');
      element.setAttribute('hx-trigger', 'load');
      document.body.append(element);
      window.htmx.process(element);
      return element.hasAttribute('hx-post');
    });
    assert.equal(obeyed, false);
    assert.match(complaints.pop(), /hx-csp. blocked/);
    await ask('withdraw', id);
  },

  async 'other sites and forged cookies decide nothing'({ page, bob }) {
    const id = await ask('hold', 'DELETE FROM accounts', 'attack');
    await page.goto(at(`/requests/${id}?decide=approve`));
    const fields = await page.$$eval('.deciding form input', (inputs) => inputs.map(({ name, value }) => [name, value]));
    const form = Object.fromEntries(fields);
    assert.equal(form.expected, 'pending');
    const url = at(`/requests/${id}/approve`);
    const forged = await bob.request.post(url, { form: { ...form, csrf: '0'.repeat(64) } });
    assert.equal(forged.status(), 403);
    // A page of another site that has got hold of the whole form.
    const evil = await bob.newPage();
    await evil.goto(await ask('elsewhere'));
    const answer = evil.waitForResponse(url);
    await evil.evaluate(([action, inputs]) => {
      const made = document.createElement('form');
      Object.assign(made, { action, method: 'post' });
      for (const [name, value] of inputs) made.append(Object.assign(document.createElement('input'), { name, value }));
      document.body.append(made);
      made.submit();
    }, [url, fields]);
    assert.equal((await answer).status(), 403);
    await evil.close();
    const stranger = await open();
    await stranger.addCookies([{ name: '__Host-gatewright-session', value: '0'.repeat(64), url: console_, secure: true, httpOnly: true }]);
    const other = await stranger.newPage();
    await other.goto(at(`/requests/${id}`));
    assert.equal(new URL(other.url()).pathname, '/login');
    await stranger.close();
    await page.goto(at(`/requests/${id}`));
    await state(page, 'Waiting');
    await ask('withdraw', id);
  },

  async 'agents cannot log in, and a callback that nobody began leads nowhere'() {
    const context = await open();
    const page = await context.newPage();
    await page.goto(at('/'));
    await logIn(page, 'robot');
    await page.getByText('Only people can log in').waitFor();
    const response = await page.goto(at('/callback?code=x&state=y'));
    assert.equal(response.status(), 400);
    await page.getByText('This login cannot go on').waitFor();
    await page.goto(at('/'));
    assert.equal(new URL(page.url()).pathname, '/login');
    await context.close();
  },

  async 'an error leads back'({ page }) {
    const response = await page.goto(at('/nowhere'));
    assert.equal(response.status(), 404);
    await page.click('text=Open the requests');
    await page.waitForURL(at('/'));
  },

  async 'every page passes axe and has its picture'({ bob, session }) {
    const long = `UPDATE customers AS c
   SET credit_limit = round(c.credit_limit * 0.8, 2),
       note = 'cut by 20 % after the review of 2026-11'
  FROM (
    SELECT customer_id, sum(amount) AS open
      FROM invoices
     WHERE paid_at IS NULL AND due_at < now() - interval '60 days'
     GROUP BY customer_id
    HAVING sum(amount) > $1
  ) AS late
 WHERE late.customer_id = c.id
   AND c.region = $2;`;
    const waits = [
      await ask('hold', long, 'credit-review-2026-11', 'full'),
      await ask('hold', 'DROP TABLE staging_import_2025', 'remove what the import left'),
      await ask('hold', 'DELETE FROM cust\u043emers WHERE email = \'a\u202e@b\'', 'support ticket 991'),
      await ask('hold', 'COMMIT', 'price list 2027', 'commit'),
    ];
    const broken = await ask('broken', 'UPDATE carts SET stuck = false', 'outage 43: carts are stuck');
    const form = await bob.newPage();
    await form.goto(at('/grants/new'));
    await form.fill('#tables', 'public.orders\n"Cust\u043emers".*');
    await form.check('input[name=delete]');
    await form.fill('#databases', 'shop');
    await form.fill('#rows', '100');
    await form.fill('#reason', 'ticket 4711');
    await form.click('.asking button');
    await form.waitForURL(/\/grants\/[^/]+\?done$/);
    const grant = new URL(form.url()).pathname;
    await form.close();
    const pages = [
      ['grants', '/grants'],
      ['grant', grant],
      ['withdraw', `${grant}?decide=withdraw`],
      ['ask', '/grants/new'],
      ['login', '/login', true],
      ['requests', '/'],
      ['request', `/requests/${waits[0]}`],
      ['approve', `/requests/${waits[0]}?decide=approve`],
      ['hostile', `/requests/${waits[2]}`],
      ['commit', `/requests/${waits[3]}`],
      ['broken', `/requests/${broken}`],
      ['history', '/history'],
      ['sessions', '/sessions'],
      ['record', '/record'],
      ['found', '/record?q=generate_series'],
      ['recorded', session],
      ['delivered', `${session}/1`],
      ['policies', '/policies'],
      ['databases', '/databases'],
      ['nothing', '/nowhere'],
    ];
    const saved = await bob.storageState();
    for (const [width, viewport] of [[1440, wide], [390, phone]]) {
      for (const colorScheme of ['light', 'dark']) {
        // The policy that pages have would keep axe out as well.
        const options = { bypassCSP: true, viewport, colorScheme, deviceScaleFactor: 1 };
        const person = await open({ ...options, storageState: saved });
        const nobody = await open(options);
        for (const [name, path, loggedOut] of pages) {
          const page = await (loggedOut ? nobody : person).newPage();
          await page.goto(at(path));
          await page.evaluate(axe);
          const { violations } = await page.evaluate(() => window.axe.run());
          const found = violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]);
          assert.deepEqual(found, [], `${name} ${width} ${colorScheme}`);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`), fullPage: true });
          assert.equal(overflow, 0, `${name} is wider than ${width}`);
          await page.close();
        }
        await person.close();
        await nobody.close();
      }
    }
    for (const id of waits) await ask('withdraw', id);
  },

  async 'after the logout the cookie is worth nothing, and open pages say so'({ page, bob }) {
    const saved = await bob.storageState();
    const other = await bob.newPage();
    await other.goto(at('/'));
    await page.goto(at('/'));
    await page.click('text=Log out');
    await page.waitForURL(/\/login/);
    await page.getByText('You are logged out here').waitFor();
    await other.locator('#ended').waitFor();
    const again = await open({ storageState: saved });
    const back = await again.newPage();
    await back.goto(at('/'));
    assert.equal(new URL(back.url()).pathname, '/login');
    await again.close();
  },
};

const shared = {};
try {
  for (const [name, step] of Object.entries(steps)) {
    await step(shared).catch(async (error) => {
      await shared.page?.screenshot({ path: join(pictures, 'failed.png') });
      throw new Error(`${name}: ${error.stack ?? error}\n${shared.page?.url()} ${complaints}`);
    });
    assert.deepEqual(complaints, [], name);
    console.error(`seen: ${name}`);
  }
  console.log(JSON.stringify(['done']));
} finally {
  await browser.close();
}
process.exit(0);
