import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSecretRules } from './secret-rules.ts';
import { joinedLiterals } from './split-literals.ts';

const rules = createSecretRules();
const found = async (text: string) =>
  (await rules.scan([{ path: 'a', text }])).map(({ rule, line }) => `${line} ${rule}`);

// Put together here, so that none of them stands in this file as it would be found.
const KEY_BODY = 'MIIEpAIBAAKCAQEA7bq98DFGHJqwertyuiopASDFGHJKLzxc';
const header = (kind: string) => `-----BEGIN ${kind}PRIVATE KEY-----`;
const JWT = ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiJhbm4ifQabc', 'c2lnbmF0dXJlLW9mLWl0'].join('.');
const AWS_ID = `AKIA${'QWERTYUIOPASDFGH'}`;
const AWS_SECRET = `q8Jr2${'Lw0Zx7Tn4Vb1Yk6Hm3Gd9Fs5Pc8Qa2We4Rt'}`;
const GITHUB = `ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`;

describe('what is a secret by its form', () => {
  it.each([
    ['private-key', `${header('')}\n${KEY_BODY}\n`],
    ['private-key', `${header('OPENSSH ')}\r\n${KEY_BODY}`],
    ['private-key', `"${header('RSA ')}\\n${KEY_BODY}\\n"`],
    ['private-key', `"${header('EC ')}\\n" +\n  "${KEY_BODY}"`],
    ['private-key', `${header('RSA ')}\nProc-Type: 4,ENCRYPTED\n`],
    ['putty-private-key', 'PuTTY-User-Key-File-3: ssh-ed25519'],
    ['json-web-token', `Authorization: Bearer ${JWT}`],
    ['aws-access-key-id', `id = ${AWS_ID}`],
    ['aws-secret-access-key', `AWS_SECRET_ACCESS_KEY=${AWS_SECRET}`],
    ['credentials-in-address', 'https://ann:hunter2xyz@example.test/'],
    ['credentials-in-address', 'redis://:p4ssw0rdy@cache:6379'],
    ['assigned-secret', 'password = "hunter42"'],
    ['assigned-secret', `"clientSecret": "9f8e7d6c5b4a39281706"`],
    ['assigned-secret', 'API_KEY=sd8f7gs9d8f7g6s9d8f7'],
    ['assigned-secret', "apiKey: 'k3y-9z8y7x6w5v4u'"],
    ['secretlint/github', `token ${GITHUB}`],
    ['secretlint/slack', `xoxb-${'123456789012-abcdefABCDEF1234'}`],
  ])('is found as %s', async (rule, text) => {
    expect(await found(`first line\n${text}\n`)).toContain(`2 ${rule}`);
  });

  it('is found where its parts are put together on one line', async () => {
    expect(await found(`x\nid = "AKIA" + "QWERTYUI" + 'x'\n`)).toEqual([]);
    expect(await found(`x\nid = "AKIA" + "QWERTYUIOPASDFGH"\n`)).toEqual(['2 aws-access-key-id']);
    expect(await found(`x\ny\nt = 'ghp_' 'a1B2c3D4e5F6g7H8i9' . 'J0k1L2m3N4o5P6q7R8'\n`)).toContain(
      '3 secretlint/github',
    );
    expect(joinedLiterals('a = "b", "c"')).toBeUndefined();
  });

  it('is found whatever a comment asks', async () => {
    for (const comment of [
      '// secretlint-disable',
      '# secretlint-disable-next-line',
      '/* secretlint-disable-line */',
    ]) {
      expect(await found(`${comment}\n${GITHUB} ${comment}\n`)).toContain('2 secretlint/github');
    }
  });

  it('is told by file and by first and last line, and never shown', async () => {
    const key = `${header('')}\n${`${KEY_BODY}\n`.repeat(3)}-----END PRIVATE KEY-----\n`;
    const texts = [
      { path: 'one', text: `a\n${GITHUB}` },
      { path: 'two', text: '' },
      { path: 'three', text: `b\nc\n${key}d\n${AWS_ID}\n` },
    ];
    const findings = await rules.scan(texts);
    expect(findings).toEqual([
      { path: 'one', rule: 'secretlint/github', line: 2, lastLine: 2 },
      { path: 'three', rule: 'private-key', line: 3, lastLine: 4 },
      { path: 'three', rule: 'secretlint/privatekey', line: 3, lastLine: 7 },
      { path: 'three', rule: 'aws-access-key-id', line: 9, lastLine: 9 },
    ]);
    const shown = JSON.stringify(findings);
    for (const secret of [GITHUB, KEY_BODY, AWS_ID]) expect(shown).not.toContain(secret);
  });
});

describe('what is none', () => {
  it.each([
    'password = "changeme"',
    `password: \${DB_PASSWORD}`,
    'password: "{{ vault.password }}"',
    'token = "<your-token>"',
    'secret: secret://database/password1',
    'const token = await readToken(request2);',
    'const secretRules2: SecretRules = createSecretRules();',
    'token: string1 | undefined',
    'apiKey = process.env.API_KEY_2',
    'secret_name: production-db-2024-main',
    `token_sha256: "${'0123456789abcdef'.repeat(4)}"`,
    'postgres://user:password@localhost/db',
    'https://example.test:8080/a@b',
    `https://user:\${PASSWORD}@example.test/`,
    `id = AKIAIOSFODNN7${'EXAMPLE'}`,
    'aws_account_id = 1234-5678-9012',
    `if (text.startsWith('${header('')}')) return true;`,
    'PASSWORD_MIN_LENGTH = 12',
    'password = "************"',
  ])('passes: %j', async (text) => {
    expect(await found(text)).toEqual([]);
  });

  it('begins in one file and ends in the next', async () => {
    const halves = [
      { path: 'a', text: `x = ${header('')}` },
      { path: 'b', text: KEY_BODY },
    ];
    expect(await rules.scan(halves)).toEqual([]);
    expect(await rules.scan([])).toEqual([]);
  });
});

it('a text has the same findings alone and among others', async () => {
  const piece = fc.constantFrom(
    'x\n',
    `${GITHUB}\n`,
    `k="AKIA" + "QWERTYUIOPASDFGH"\n`,
    '"',
    '\n',
    `${header('')}\n${KEY_BODY}`,
    '\u0001',
  );
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 4 }), async (texts) => {
      const named = texts.map((content, index) => ({ path: `f${index}`, text: content }));
      const alone = await Promise.all(named.map((one) => rules.scan([one])));
      expect(await rules.scan(named)).toEqual(alone.flat());
    }),
    { numRuns: 150 },
  );
});

it('takes time in proportion to what is searched', async () => {
  const started = performance.now();
  const pieces = [
    'eyJ',
    '-eyJ',
    'AKIA',
    '://a:',
    'password=',
    '"+"',
    'mongodb://a:',
    '-----BEGIN PRIVATE KEY-----',
    'aws_secret',
    'token:"',
  ];
  for (const piece of pieces) await found(piece.repeat(Math.floor(200_000 / piece.length)));
  expect(performance.now() - started).toBeLessThan(8000);
});
