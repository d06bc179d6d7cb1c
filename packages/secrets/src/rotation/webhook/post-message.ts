// One message to a target: signed as Standard Webhooks has it (v1a, Ed25519), so that the target knows whose it is, and
// that it is not one of yesterday.
import { request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { SecretError } from '../../errors.ts';
import { type AddressRules, checkTargetUrl, guardedLookup } from './target-address.ts';

export interface MessageSigner {
  /** Ed25519. */
  sign(message: Uint8Array): Uint8Array;
}

export interface PostingOptions {
  readonly signer: MessageSigner;
  readonly addresses: AddressRules;
  /** For one message; 10,000 ms unless told. */
  readonly timeoutMs?: number;
  /** Certificate authorities of the targets, PEM; the system's unless told. */
  readonly ca?: string;
}

export interface Message {
  /** The same for a repeat: a target that has done it answers as it did. */
  readonly id: string;
  /** ms since 1970. */
  readonly at: number;
  readonly body: Readonly<Record<string, unknown>>;
}

type Action = 'provision' | 'promote' | 'revoke' | 'reload';

const MAX_ANSWER_BYTES = 16_384;

/** The answer's JSON, or null where it has none. Throws SecretError; what the target said is in no message. */
export async function postMessage(
  base: unknown,
  action: Action,
  { id, at, body }: Message,
  { signer, addresses, timeoutMs = 10_000, ca }: PostingOptions,
  signal: AbortSignal,
): Promise<unknown> {
  const url = checkTargetUrl(base, addresses);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${action}`;
  const content = JSON.stringify({ type: action, ...body });
  const timestamp = Math.floor(at / 1_000);
  const signature = signer.sign(new TextEncoder().encode(`${id}.${timestamp}.${content}`));
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const send = url.protocol === 'https:' ? request : plainRequest;
    const sent = send(
      url,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(content),
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1a,${Buffer.from(signature).toString('base64')}`,
        },
        agent: false,
        lookup: guardedLookup(addresses),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        ...(ca === undefined ? {} : { ca }),
      },
      (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES) sent.destroy(new Error('too long'));
          else chunks.push(chunk);
        });
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
        answer.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(content);
  }).catch((error: unknown) => {
    if (error instanceof SecretError) throw error;
    throw new SecretError('PROVIDER_UNAVAILABLE', `expected the target to answer \`${action}\`, got none`);
  });
  // A redirect is not followed: the address was checked, and what it leads to was not.
  if (status < 200 || status > 299)
    throw new SecretError(
      'ROTATION_FAILED',
      `expected the target to do \`${action}\`, got status \`${status}\``,
    );
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
