import { RequestError } from '../../errors.ts';
import type { Answer } from '../../respond.ts';
import type { Call, GuardedRoute, Route } from '../../route.ts';
import { kvRefusal } from './kv-answer.ts';
import { deleteData, patchData, readData, readSubkeys, writeData } from './kv-data.ts';
import { changeVersions, deleteMetadata, patchMetadata, readMetadata, writeMetadata } from './kv-metadata.ts';
import { type SystemOptions, selfRoutes, systemRoutes } from './vault-system.ts';

type Method = GuardedRoute['method'];

/** Version 2 of the KV engine, for clients made for Vault and OpenBao; the same use cases behind it as everywhere. */
export function kvRoutes(options: SystemOptions): readonly Route[] {
  const data = { pattern: '/v1/:mount/data/*' };
  const metadata = { pattern: '/v1/:mount/metadata/*' };
  const write: readonly Method[] = ['POST', 'PUT'];
  return [
    ...served(data, ['GET'], (call) => readData(options, call)),
    ...served(data, write, (call) => writeData(options, call)),
    ...served(data, ['PATCH'], (call) => patchData(options, call)),
    ...served(data, ['DELETE'], (call) => deleteData(options, call)),
    ...served({ pattern: '/v1/:mount/metadata' }, ['GET'], (call) => readMetadata(options, call)),
    ...served(metadata, ['GET'], (call) => readMetadata(options, call)),
    ...served(metadata, write, (call) => writeMetadata(options, call)),
    ...served(metadata, ['PATCH'], (call) => patchMetadata(options, call)),
    ...served(metadata, ['DELETE'], (call) => deleteMetadata(options, call)),
    ...served({ pattern: '/v1/:mount/delete/*' }, write, (call) =>
      changeVersions(options, call, 'deleteVersions'),
    ),
    ...served({ pattern: '/v1/:mount/undelete/*' }, write, (call) =>
      changeVersions(options, call, 'undelete'),
    ),
    ...served({ pattern: '/v1/:mount/destroy/*' }, write, (call) => changeVersions(options, call, 'destroy')),
    ...served({ pattern: '/v1/:mount/subkeys/*' }, ['GET'], (call) => readSubkeys(options, call)),
    ...selfRoutes(options),
    ...systemRoutes(options),
  ];
}

/** Who asks for a wrapped answer means that nobody on the way may read it. */
function unwrapped(call: Call): Call {
  if (call.header('x-vault-wrap-ttl') === undefined) return call;
  throw new RequestError('REQUEST_MALFORMED', 'expected no `x-vault-wrap-ttl`: answers are not wrapped here');
}

function served(
  { pattern }: { readonly pattern: string },
  methods: readonly Method[],
  serve: (call: Call) => Promise<Answer>,
): readonly GuardedRoute[] {
  const guarded = { kind: 'guarded', tokenHeader: 'x-vault-token', refusal: kvRefusal } as const;
  return methods.map((method) => ({ ...guarded, method, pattern, serve: (call) => serve(unwrapped(call)) }));
}
