// Checks an evidence file with nothing but Node: no code of this project, no network. Somebody who does not trust us can
// read all of it in a few minutes, or write it again in another language.
//
//   node verify.mjs evidence.json keys/
//
// It checks the checkpoint's signature, each statement's signature, that each statement is in the log, and that each
// session is one unbroken chain. It does not derive verdicts anew: that takes the policy engine, and `pf-verify`.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [file, keyFolder] = process.argv.slice(2);
if (keyFolder === undefined) fail('expected an evidence file and a folder with log.*.vk and evidence.*.vk');
const evidence = JSON.parse(readFileSync(file, 'utf8'));
const keys = readKeys(keyFolder);

const { size, root } = openCheckpoint(evidence.checkpoint);
const ends = new Map();
for (const entry of evidence.entries) {
  checkSignature(entry);
  checkInclusion(entry);
  checkChain(entry);
}
console.log(`${evidence.entries.length} statements are signed, chained, and in the log of ${size}`);

/** `<name>+<hash>+<base64 of 0x01 and the key>` (C2SP signed-note), by file name without `.vk`. */
function readKeys(folder) {
  const names = readdirSync(folder).filter((name) => /^(log|evidence)\..+\.vk$/.test(name));
  return new Map(
    names.map((name) => {
      const [signer, , ...rest] = readFileSync(join(folder, name), 'utf8').trim().split('+');
      const x = Buffer.from(rest.join('+'), 'base64').subarray(1).toString('base64url');
      const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
      return [name.slice(0, -'.vk'.length), { signer, key }];
    }),
  );
}

/** A checkpoint is a signed note: its text, an empty line, and lines `— <name> <base64 of 4 bytes and the signature>`. */
function openCheckpoint(note) {
  const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
  const [origin, count, rootHash] = text.split('\n');
  const signed = note
    .slice(text.length + 1)
    .split('\n')
    .some((line) => {
      const [, signer, signature] = /^— (\S+) (\S+)$/.exec(line) ?? [];
      return [...keys].some(
        ([id, known]) =>
          id.startsWith('log.') &&
          signer === origin &&
          known.signer === origin &&
          verify(null, Buffer.from(text), known.key, Buffer.from(signature, 'base64').subarray(4)),
      );
    });
  if (!signed) fail('expected a checkpoint signed by the log, under a key of the folder');
  return { size: Number(count), root: Buffer.from(rootHash, 'base64') };
}

/** DSSE: what is signed is the payload with its type and both lengths. */
function checkSignature({ index, envelope }) {
  const { payloadType, payload, signatures } = envelope;
  const body = Buffer.from(payload, 'base64');
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.length} `;
  const signed = signatures.some(({ keyid, sig }) => {
    const known = keys.get(keyid);
    const message = Buffer.concat([Buffer.from(head), body]);
    return known !== undefined && verify(null, message, known.key, Buffer.from(sig, 'base64'));
  });
  if (!signed) fail(`entry ${index}: expected a signature by an evidence key of the folder`);
}

/** RFC 9162 section 2.1.3.2. The log's leaf is SHA-256(salt ‖ envelope); the envelope in canonical JSON. */
function checkInclusion({ index, envelope, salt, inclusion }) {
  // The file is canonical, so its members are in order already, and an envelope holds texts only.
  const leaf = sha256(Buffer.from(salt, 'base64'), Buffer.from(JSON.stringify(envelope)));
  let hash = sha256(Buffer.of(0), leaf);
  let [at, last] = [index, size - 1];
  for (const sibling of inclusion.map((text) => Buffer.from(text, 'base64'))) {
    if (last === 0) fail(`entry ${index}: expected a shorter proof`);
    if (at % 2 === 1 || at === last) {
      hash = sha256(Buffer.of(1), sibling, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else hash = sha256(Buffer.of(1), hash, sibling);
    [at, last] = [half(at), half(last)];
  }
  if (index >= size || last !== 0 || !hash.equals(root)) fail(`entry ${index}: expected it to be in the log`);
}

/** From 0 on, without a gap, each naming the digest of the one before. */
function checkChain({ index, envelope }) {
  const payload = Buffer.from(envelope.payload, 'base64');
  const { tenant, session, seq, previous } = JSON.parse(payload.toString('utf8'));
  const name = JSON.stringify([tenant, session]);
  const end = ends.get(name) ?? { seq: -1, digest: null };
  if (seq !== end.seq + 1 || previous !== end.digest)
    fail(`entry ${index}: expected it to continue its session`);
  ends.set(name, { seq, digest: sha256(payload).toString('hex') });
}

function sha256(...parts) {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

function half(number) {
  return Math.floor(number / 2);
}

function fail(problem) {
  console.error(problem);
  process.exit(1);
}
