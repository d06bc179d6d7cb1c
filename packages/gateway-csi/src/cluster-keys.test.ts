import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AUDIENCE, type Cluster, claimsOf, ISSUER, makeCluster, NOW } from './cluster.fixture.ts';
import { openClusterKeys } from './cluster-keys.ts';
import { identifyPod } from './pod-identity.ts';

const folder = mkdtempSync(join(tmpdir(), 'csi-keys-'));
const [key, caFile, tokenFile] = ['key.pem', 'ca.pem', 'token'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
let cluster: Cluster;
let server: Server;
let url: string;
let answer: { status: number; body: string };
let asked: (string | undefined)[];

beforeAll(async () => {
  cluster = await makeCluster();
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const pair = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    key,
    '-out',
    caFile,
  ];
  execFileSync('openssl', ['req', '-x509', '-days', '1', ...subject, ...pair], { stdio: 'ignore' });
  server = createServer({ key: readFileSync(key), cert: readFileSync(caFile) }, (request, response) => {
    asked.push(request.headers.authorization);
    response.writeHead(answer.status, { 'content-type': 'application/jwk-set+json' }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  url = `https://localhost:${(server.address() as AddressInfo).port}/openid/v1/jwks`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  writeFileSync(tokenFile, 'of-the-provider\n');
  answer = { status: 200, body: JSON.stringify({ keys: [cluster.jwk] }) };
  asked = [];
});

const identify = async (source: Parameters<typeof openClusterKeys>[0], signedBy = cluster) => {
  const options = { issuer: ISSUER, audience: AUDIENCE, keys: await openClusterKeys(source), now: () => NOW };
  const none = { namespace: undefined, serviceAccount: undefined, pod: undefined, podUid: undefined };
  return async (by = signedBy) => identifyPod({ token: await by.sign(claimsOf()), claimed: none }, options);
};

describe('the keys of a cluster', () => {
  it('come from no server that another authority vouches for, and then nobody is let in', async () => {
    const pod = await identify({ kind: 'url', url, tokenFile });
    await expect(pod()).rejects.toMatchObject({ code: 'CLUSTER_KEYS_UNAVAILABLE' });
    expect(asked).toEqual([]);
  });

  it.each([
    ['an answer of 401', { status: 401, body: '{}' }],
    ['no JSON', { status: 200, body: '<html>' }],
    ['more than keys could be', { status: 200, body: `{"keys":[],"x":"${'x'.repeat(300_000)}"}` }],
  ])('let nobody in when there is %s', async (_, given) => {
    answer = given;
    const pod = await identify({ kind: 'url', url, caFile });
    await expect(pod()).rejects.toMatchObject({ code: 'CLUSTER_KEYS_UNAVAILABLE' });
  });

  it('are asked for once, with the token of the moment, however many forged tokens come', async () => {
    const pod = await identify({ kind: 'url', url, caFile, tokenFile });
    expect(await pod()).toMatchObject({ namespace: 'production', pod: 'api-1' });
    const stranger = await makeCluster('unknown');
    for (let at = 0; at < 5; at++)
      await expect(pod(stranger)).rejects.toMatchObject({ code: 'MOUNT_UNAUTHENTICATED' });
    expect(asked).toEqual(['Bearer of-the-provider']);
  });

  it('come from a file where the API server cannot be reached', async () => {
    const path = join(folder, 'jwks.json');
    writeFileSync(path, JSON.stringify({ keys: [cluster.jwk] }));
    expect(await (await identify({ kind: 'file', path }))()).toMatchObject({ podUid: 'uid-1' });
    writeFileSync(path, '{}');
    await expect(openClusterKeys({ kind: 'file', path })).rejects.toMatchObject({
      code: 'CLUSTER_KEYS_UNAVAILABLE',
    });
  });

  it('come over nothing but https', async () => {
    const source = { kind: 'url', url: 'http://kubernetes.default.svc/openid/v1/jwks' } as const;
    await expect(openClusterKeys(source)).rejects.toMatchObject({ code: 'CLUSTER_KEYS_UNAVAILABLE' });
  });
});
