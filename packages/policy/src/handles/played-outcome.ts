import { digestJson, fromHex } from '@provability-fabric/kernel';
import type { Input } from '../input.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import type { State } from '../state.ts';
import { formatHandle, HANDLE_BYTES } from './handle-text.ts';
import { handleFacts } from './show-outcome.ts';

/**
 * An outcome to be played under another bundle than the one it was recorded under, which may hide other parts of it: with
 * the handles on record as far as they go, and then with made-up ones, the same in every replay.
 */
export function underHandles(bundle: LoadedBundle, state: State, input: Input): Input {
  if (input.kind !== 'outcome') return input;
  const { handles: recorded, ...outcome } = input;
  let next = 0;
  const facts = handleFacts(bundle, state, outcome, () => {
    const place = next++;
    const made = fromHex(digestJson(bundle.crypto, [outcome.certificate_id, 'handle', place]));
    return recorded?.ids[place] ?? formatHandle(made.slice(0, HANDLE_BYTES));
  });
  return facts === undefined ? outcome : { ...outcome, handles: facts };
}
