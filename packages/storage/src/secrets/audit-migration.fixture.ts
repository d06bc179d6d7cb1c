import { execFile } from 'node:child_process';
import { join } from 'node:path';

const MIGRATIONS = join(import.meta.dirname, '../../../../supabase/migrations');
/** As the runbook names them. */
export const UP_FILE = join(MIGRATIONS, '20241129_secret_audit_logs.sql');
export const DOWN_FILE = join(MIGRATIONS, 'rollback/20241129_secret_audit_logs_rollback.sql');

export interface PsqlAnswer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The program itself, as whoever follows the runbook starts it. */
export function psql(url: string, ...args: readonly string[]): Promise<PsqlAnswer> {
  return new Promise((resolve) => {
    execFile('psql', ['-X', '-v', 'ON_ERROR_STOP=1', url, ...args], (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** A migration's statements as they stand in a file: without the indentation of the source that they are written in. */
export function asFile(statements: string): string {
  const lines = statements.split('\n');
  const indentations = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const least = Math.min(...indentations);
  return `${lines
    .map((line) => line.slice(least))
    .join('\n')
    .trim()}\n`;
}
