import { facts, type Style, table, visible, visibleJson } from '@provability-fabric/command-line';
import { canonicalJson, formatLabel, type JsonValue } from '@provability-fabric/kernel';
import { formatInstant, type LoadedBundle } from '@provability-fabric/policy';
import { clauseSentence, clauseStanding } from './clause-sentence.ts';
import { toolSentences } from './tool-rules.ts';
import { whoMayCall } from './who-may-call.ts';

export function bundleAsTable(bundle: LoadedBundle, style: Style): string {
  const { ir, digest } = bundle;
  const heading = (text: string) => `\n${style(text, 'strong')}\n`;
  const lines = [
    facts([
      ['bundle', `${ir.name} version ${ir.version}`],
      ['digest', digest],
      ['owner', ir.owner],
      ['tenants', ir.tenants.join(', ')],
      ['expires', ir.expires === null ? 'never' : formatInstant(ir.expires)],
      ['assurance', ir.assurance],
      ['default deny', ir.default_mode],
    ]),
    heading('Clauses'),
  ];
  for (const clause of ir.clauses) {
    lines.push(`${visible(clause.id)} (${clause.kind}, ${visible(clauseStanding(clause, ir.owner))})\n`);
    lines.push(`    ${visible(clauseSentence(ir, clause))}\n`);
    if (clause.description !== '') lines.push(`    "${visible(clause.description)}"\n`);
  }
  lines.push(heading('Tools'));
  for (const [tool, sentences] of toolSentences(ir)) {
    lines.push(`${visible(tool)}\n`, ...sentences.map((sentence) => `    ${visible(sentence)}\n`));
  }
  const stores = Object.entries(ir.stores);
  if (stores.length > 0) {
    const rows = stores.map(([name, { paths, label, accepts }]) => [
      name,
      formatLabel(label),
      formatLabel(accepts),
      paths.join(' '),
    ]);
    lines.push(heading('Stores'), table(['store', 'label', 'accepts', 'paths'], rows, style));
  }
  if (ir.documents.length > 0) {
    const rows = ir.documents.map(({ uri, label }) => [uri, formatLabel(label)]);
    lines.push(heading('Documents'), table(['uri', 'label'], rows, style));
  }
  const access = whoMayCall(bundle);
  const rows = access.rows.map(({ tool, allowed }) => [tool, ...allowed.map((yes) => (yes ? 'yes' : 'no'))]);
  lines.push(
    heading('Who may ever call what, if arguments and history allow'),
    table(['tool', ...access.columns], rows, style, (cell, column) =>
      column === 0 ? cell : style(cell, cell === 'yes' ? 'good' : 'dim'),
    ),
  );
  return lines.join('');
}

export function bundleAsJson(bundle: LoadedBundle): string {
  const { ir, digest } = bundle;
  const { columns, rows } = whoMayCall(bundle);
  const access = rows.map(({ tool, allowed }) => ({
    tool,
    may_ever_call: Object.fromEntries(columns.map((column, index) => [column, allowed[index] as boolean])),
  }));
  const {
    name,
    version,
    owner,
    tenants,
    expires,
    assurance,
    default_mode,
    tools,
    stores,
    documents,
    constants,
  } = ir;
  const value = {
    bundle: { name, version, digest },
    owner,
    tenants,
    expires: expires === null ? null : formatInstant(expires),
    assurance,
    default_mode,
    clauses: ir.clauses.map((clause) => ({ ...clause, sentence: clauseSentence(ir, clause) })),
    tools,
    stores,
    documents,
    constants,
    access,
  };
  return `${visibleJson(canonicalJson(value as unknown as JsonValue))}\n`;
}
