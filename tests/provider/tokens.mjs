// Gets tokens from a provider as clients do, or forges them. Prints JSON.
//
//   node tokens.mjs ISSUER client ACCOUNT [RESOURCE]     client credentials
//   node tokens.mjs ISSUER code ACCOUNT                  authorization code with PKCE, and a simulated user
//   node tokens.mjs ISSUER device ACCOUNT                device code, and a simulated user
//   node tokens.mjs ISSUER refresh TOKEN
//   node tokens.mjs ISSUER forge TOKEN                   the same claims unsigned, and signed by HMAC with the public keys
import { createHash, createHmac, createPublicKey, randomBytes } from 'node:crypto';
import { visit } from './person.mjs';

const CLIENT = 'gatewright';
const REDIRECT = 'http://127.0.0.1/callback';

const [, , issuer, flow, account, resource] = process.argv;
const discovery = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();

async function post(url, form, headers = {}) {
  const body = new URLSearchParams(Object.entries(form).filter(([, value]) => value !== undefined));
  const response = await fetch(url, { method: 'POST', body, headers });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

const token = (form, headers) => post(discovery.token_endpoint, form, headers);

async function code() {
  const verifier = randomBytes(32).toString('base64url');
  const start = new URL(discovery.authorization_endpoint);
  start.search = new URLSearchParams({
    client_id: CLIENT,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: REDIRECT,
    state: 'state',
    code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  });
  const { url, page } = await visit(start, account, { stop: (at) => at.href.startsWith(REDIRECT) });
  const found = url.searchParams.get('code');
  if (!found) throw new Error(`no code came back: ${url} ${page}`);
  return token({
    grant_type: 'authorization_code', client_id: CLIENT, code: found, redirect_uri: REDIRECT, code_verifier: verifier,
  });
}

async function device() {
  const begun = await post(discovery.device_authorization_endpoint, { client_id: CLIENT, scope: 'openid' });
  await visit(begun.verification_uri, account, { userCode: begun.user_code });
  return token({
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: CLIENT, device_code: begun.device_code,
  });
}

async function forge(signed) {
  const [head, claims] = signed.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url'));
  const { keys } = await (await fetch(discovery.jwks_uri)).json();
  const key = keys.find(({ kid }) => kid === header.kid);
  const input = (alg) => `${Buffer.from(JSON.stringify({ ...header, alg })).toString('base64url')}.${claims}`;
  const hmac = (secret) => `${input('HS256')}.${createHmac('sha256', secret).update(input('HS256')).digest('base64url')}`;
  const der = createPublicKey({ key, format: 'jwk' });
  return {
    unsigned: `${input('none')}.`,
    pem: hmac(der.export({ type: 'spki', format: 'pem' })),
    der: hmac(der.export({ type: 'spki', format: 'der' })),
    modulus: hmac(Buffer.from(key.n ?? key.x, 'base64url')),
  };
}

const flows = {
  client: () => token(
    { grant_type: 'client_credentials', resource },
    { authorization: `Basic ${Buffer.from(`${account}:${account}-secret`).toString('base64')}` },
  ),
  code,
  device,
  refresh: () => token({ grant_type: 'refresh_token', client_id: CLIENT, refresh_token: account }),
  forge: () => forge(account),
};
console.log(JSON.stringify(await flows[flow]()));
