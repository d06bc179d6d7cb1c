import { SecretError } from '../../errors.ts';
import type { SecretPlace } from '../../names.ts';
import { placeText } from '../fabric-note.ts';
import { CURRENT, isOurLabel, REMOVED } from './labels.ts';
import { textOf } from './notes.ts';
import type { AwsStore } from './store.ts';

/**
 * AWS keeps what is deleted for its recovery window, and the name with it. A version that says that the secret was
 * removed goes first: were the deletion undone, the last value would not be current with it.
 */
export async function removeSecret(
  store: AwsStore,
  place: SecretPlace,
  name: string,
  uuid: string,
  days: number,
): Promise<void> {
  const text = textOf({ kind: 'removed', place: placeText(place) });
  if ((await store.put(name, text, uuid, [CURRENT, REMOVED])) === 'done') await store.remove(name, days);
}

/** Only what was removed through us: what somebody deleted at AWS has its last value still. */
export async function restoreRemoved(store: AwsStore, name: string): Promise<void> {
  const labels = await store.labels(name);
  if (labels !== 'absent' && !labels.includes(REMOVED))
    throw new SecretError(
      'SECRET_CONFLICT',
      `expected \`${name}\` to be free at AWS, it was deleted there and is kept until its recovery window ends; restore it ` +
        'with AWS, or take another name',
    );
  await store.restore(name);
}

/** Labels of the secret that was removed under this name: AWS may prune what it was. */
export async function forgetFormer(store: AwsStore, name: string, current: string): Promise<void> {
  for (const { uuid, labels } of await store.versions(name))
    if (uuid !== current)
      for (const label of labels)
        if (isOurLabel(label) || label === REMOVED) await store.move(name, label, { from: uuid });
}
