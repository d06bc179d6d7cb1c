import { createHash } from 'node:crypto';
import { concatBytes, utf8 } from '@provability-fabric/kernel';
import type { CommitRequest } from '../apply/ports.ts';
import { GovernorError } from '../errors.ts';

export type ObjectFormat = 'sha1' | 'sha256';

/** The id that git has to give an object: what it answers is compared with it. */
export function objectIdOf(format: ObjectFormat, type: 'blob' | 'commit', bytes: Uint8Array): string {
  return createHash(format).update(`${type} ${bytes.length}\0`).update(bytes).digest('hex');
}

const AUTHOR = 'SAFE-AI Governor <governor@safeai.invalid>';

export interface CommitParts {
  readonly tree: string;
  readonly parent: string | null;
  /** ms since 1970. */
  readonly at: number;
  readonly format: ObjectFormat;
}

/** The commit's bytes, signed where the request brings a signer. */
export async function commitBytes(parts: CommitParts, request: CommitRequest): Promise<Uint8Array> {
  const when = `${Math.floor(parts.at / 1000)} +0000`;
  const head = [
    `tree ${parts.tree}`,
    ...(parts.parent === null ? [] : [`parent ${parts.parent}`]),
    `author ${AUTHOR} ${when}`,
    `committer ${AUTHOR} ${when}`,
  ];
  const message = `${clean(request.message).trimEnd()}\n`;
  const unsigned = utf8(`${head.join('\n')}\n\n${message}`);
  if (request.signer === undefined) return unsigned;
  const armored = (await request.signer.sign(unsigned)).trimEnd();
  if (!/^-----BEGIN SSH SIGNATURE-----\n[A-Za-z0-9+/=\n]+\n-----END SSH SIGNATURE-----$/.test(armored)) {
    throw new GovernorError('GIT_FAILED', 'expected an armored SSH signature from the signer of commits');
  }
  const header = parts.format === 'sha1' ? 'gpgsig' : 'gpgsig-sha256';
  const signature = `${header} ${armored.replaceAll('\n', '\n ')}`;
  return concatBytes(utf8(`${[...head, signature].join('\n')}\n\n`), utf8(message));
}

/** A null character would end the message for some readers of it, an escape would drive a terminal. */
function clean(text: string): string {
  return [...Buffer.from(text).toString()]
    .filter((char) => char === '\n' || (char >= ' ' && !(char >= '\u007f' && char < '\u00a0')))
    .join('');
}
