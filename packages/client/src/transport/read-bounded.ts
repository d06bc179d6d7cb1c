import { concatBytes } from '@provability-fabric/kernel';
import { ClientError } from '../errors.ts';
import type { FetchAnswer } from './options.ts';

/** The whole body, or an error as soon as it is too long: a service can send without end, or compressed. */
export async function readBounded(body: FetchAnswer['body'], limit: number): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concatBytes(...chunks);
    length += value.byteLength;
    if (length > limit) {
      // Not waited for: a stream may refuse to end.
      reader.cancel().catch(() => undefined);
      throw new ClientError('ANSWER_TOO_LARGE', `expected an answer of at most ${limit} bytes, came more`);
    }
    chunks.push(value);
  }
}
