import { field, type JsonObject } from '@provability-fabric/kernel';
import type { Decider, Hiding } from './ports.ts';

/** The one tool that the fabric itself answers; no prefix goes before it. */
export const OWN_TOOL = 'fabric_extract';

/** Whether the fabric answers a tool of this name: then no upstream's tool can have it. */
export function offersOwnTool(decider: Pick<Decider, 'hiding'>): boolean {
  return (decider.hiding()?.extraction ?? null) !== null;
}

export function isOwnCall(
  method: string,
  params: JsonObject,
  { decider }: { readonly decider: Pick<Decider, 'hiding'> },
): boolean {
  return method === 'tools/call' && field(params, 'name') === OWN_TOOL && offersOwnTool(decider);
}

/** As tools/list shows it. */
export function ownTool({ types, of }: NonNullable<Hiding['extraction']>): JsonObject {
  const sets =
    of.length === 0 ? {} : { of: { type: 'string', enum: of, description: 'With enum: which set.' } };
  return {
    name: OWN_TOOL,
    title: 'Extract from a hidden value',
    description:
      'A text like pfh1_abc... in a result is a handle: it stands for a value that you may not see. Pass a handle on as ' +
      'a whole argument of another tool where that tool needs the value. This tool takes one typed value out of a ' +
      'hidden one, where policy allows it; it can be asked a few times for each handle.',
    inputSchema: {
      type: 'object',
      properties: {
        handle: { type: 'string', description: 'The handle, whole.' },
        pointer: {
          type: 'string',
          description: 'JSON pointer to the value within it; leave out for the whole.',
        },
        type: { type: 'string', enum: types, description: 'The form that the value must have.' },
        ...sets,
      },
      required: ['handle', 'type'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  };
}
