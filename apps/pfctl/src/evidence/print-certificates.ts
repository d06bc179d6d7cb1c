import { type Style, table, visibleJson } from '@provability-fabric/command-line';
import { canonicalJson, type JsonValue } from '@provability-fabric/kernel';
import type { Format } from '../output/options.ts';
import type { ListedCertificate } from './list-certificates.ts';

const HEADER = [
  'at',
  'tenant',
  'session',
  'seq',
  'principal',
  'action',
  'effect',
  'mode',
  'outcome',
  'reasons',
  'certificate',
];

export function printCertificates(
  listed: readonly ListedCertificate[],
  format: Format,
  style: Style,
): string {
  if (format === 'json') return `${visibleJson(canonicalJson(listed as unknown as JsonValue))}\n`;
  if (listed.length === 0) return 'no certificates\n';
  const rows = listed.map(({ certificate, outcome }) => [
    certificate.issued_at,
    certificate.tenant,
    certificate.session,
    String(certificate.seq),
    certificate.principal.id,
    `${certificate.action.kind} ${certificate.action.target}`,
    certificate.effect,
    certificate.mode,
    outcome ?? '-',
    certificate.reasons
      .map(({ code, clause }) => (clause === null ? code : `${code} (${clause})`))
      .join(' ') || '-',
    certificate.certificate_id.slice(0, 16),
  ]);
  return table(HEADER, rows, style, (cell, column) =>
    HEADER[column] === 'effect' ? style(cell, cell === 'allow' ? 'good' : 'bad') : cell,
  );
}
