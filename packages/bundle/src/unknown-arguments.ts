import { parsePointer } from '@provability-fabric/kernel';
import type { Clause, ToolRule } from '@provability-fabric/policy';
import type { CedarIr, CedarSchema, CedarTypeName } from '@provability-fabric/policy/cedar';
import type { Compilation } from './compilation.ts';
import type { Place } from './diagnostics.ts';
import { show } from './shape/read-shape.ts';
import { SCHEMA_FILE } from './sources.ts';
import { didYouMean } from './suggestion.ts';

/**
 * What is to be read off an argument that a tool is nowhere said to have cannot be told of any call, which refuses all
 * of them. Only where a schema says what there is.
 */
export function checkArguments(
  cedar: CedarIr,
  tools: Readonly<Record<string, ToolRule>>,
  clauses: readonly Clause[],
  { document, locations, found }: Compilation,
): void {
  if (cedar.schema === null) return;
  const described = describedArguments(cedar.schema);
  const check = (name: string, pointer: string, place: Place, clause?: string) => {
    const parameters = Object.keys(tools[name]?.parameters ?? {}).map(nameIn);
    const known = new Set([...described, ...parameters]);
    const argument = nameIn(pointer);
    if (known.size === 0 || known.has('*') || known.has(argument)) return;
    found.warning('ARGUMENT_UNKNOWN', place, {
      clause,
      message: `expected an argument of \`${show(name)}\` that its \`parameters\` or \`args\` in ${SCHEMA_FILE} name, came \`${show(argument)}\``,
      mend: didYouMean(
        argument,
        known,
        `describe it in \`args\`: where it is missing, every call is refused`,
      ),
    });
  };
  for (const [name, tool] of Object.entries(tools)) {
    for (const unit of ['cost', 'epsilon'] as const) {
      const amount = tool[unit];
      if (amount?.kind === 'argument')
        check(name, amount.pointer, locations.value('tools', name, unit, 'argument'));
    }
  }
  for (const clause of clauses) {
    if (clause.kind !== 'release' || clause.parameter === null) continue;
    const index = document.clauses.findIndex(({ id }) => id === clause.id);
    const place = locations.value('clauses', index, 'parameter');
    const named = (clause.on.tools ?? []).filter((name) => Object.hasOwn(tools, name));
    const [first] = named;
    if (first !== undefined) check(first, clause.parameter, place, clause.id);
  }
}

/** The names in `context.args` of a call. */
function describedArguments({ actions, commonTypes }: CedarSchema): readonly string[] {
  const types = new Map(commonTypes.map(({ name, type }) => [name, type]));
  const attributes = (type: CedarTypeName | undefined) => {
    let record = type;
    // Each name at most once: a type within itself ends here.
    for (let steps = 0; record?.kind === 'common' && steps <= types.size; steps += 1)
      record = types.get(record.name);
    return record?.kind === 'record' ? record.attributes : [];
  };
  const call = actions.find(({ entity }) => entity.id === 'call');
  const args = attributes(call?.context).find(({ name }) => name === 'args');
  return attributes(args?.type).map(({ name }) => name);
}

function nameIn(pointer: string): string {
  return parsePointer(pointer)[0] ?? '';
}
