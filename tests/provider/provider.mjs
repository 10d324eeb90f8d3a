// An OpenID Connect provider for tests: oidc-provider with the test's accounts, lifetimes and audiences.
// SIGHUP makes it sign with new keys; the previous keys stay published until the next SIGHUP.
//
//   node provider.mjs MODULES SETTINGS     (a folder with node_modules; JSON, see `settings`)
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.argv[2], 'package.json'));
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const settings = {
  port: 0,
  // Maps a name to the claims of its tokens, besides `sub`. Each account accepts any password, and is also a client
  // (id: the name, secret: the name and `-secret`) that can request tokens by client credentials.
  accounts: {},
  // The public native client for people: authorization code and device flow.
  clientId: 'gatewright',
  redirectPaths: ['/', '/callback'],
  // Web applications: `client_id`, `client_secret` and `redirect_uris`.
  webClients: [],
  // The default resource. A resource `urn:test:AUDIENCE:SECONDS` gives access tokens with that `aud` and lifetime.
  resource: 'urn:test:gatewright:600',
  idTokenSeconds: 600,
  ...JSON.parse(process.argv[3] ?? '{}'),
};

function newKeys() {
  const make = (type, options, alg) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID(),
  });
  return [make('rsa', { modulusLength: 2048 }, 'RS256'), make('ec', { namedCurve: 'P-256' }, 'ES256')];
}

const claimsOf = (name) => settings.accounts[name] ?? {};

function resourceServer(_ctx, resource) {
  const [, , audience, seconds] = resource.split(':');
  return {
    scope: 'openid',
    audience,
    accessTokenTTL: Number(seconds),
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  };
}

function clients() {
  const loopback = ['http://127.0.0.1', 'http://localhost', 'http://[::1]'];
  const person = {
    client_id: settings.clientId,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    redirect_uris: loopback.flatMap((origin) => settings.redirectPaths.map((path) => origin + path)),
  };
  const workloads = Object.keys(settings.accounts).map((name) => ({
    client_id: name,
    client_secret: `${name}-secret`,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  }));
  return [person, ...settings.webClients, ...workloads];
}

function provider(issuer, keys) {
  return new Provider(issuer, {
    jwks: { keys },
    clients: clients(),
    claims: { openid: ['sub', 'groups', 'agent', 'task'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['test'] },
    extraTokenClaims: (_ctx, token) => claimsOf(token.accountId ?? token.clientId),
    findAccount: (_ctx, name) => ({ accountId: name, claims: () => ({ sub: name, ...claimsOf(name) }) }),
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    pkce: { required: () => true, methods: ['S256'] },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => settings.resource,
        useGrantedResource: () => true,
        getResourceServerInfo: resourceServer,
      },
    },
    ttl: {
      IdToken: settings.idTokenSeconds,
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? 600,
      ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? 600,
      DeviceCode: 600,
      Grant: 3600,
      Interaction: 3600,
      RefreshToken: 3600,
      Session: 3600,
    },
  });
}

const server = createServer();
await new Promise((resolve) => { server.listen(settings.port, '127.0.0.1', resolve); });
const issuer = `http://127.0.0.1:${server.address().port}`;
let keys = newKeys();
let answer = provider(issuer, keys).callback();
server.on('request', (request, response) => answer(request, response));

process.on('SIGHUP', () => {
  const fresh = newKeys();
  answer = provider(issuer, [...fresh, ...keys]).callback();
  keys = fresh;
  console.log('rotated');
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
console.log(`ready ${issuer}`);
