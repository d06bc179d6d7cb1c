import { DatabaseError } from 'pg';
import { expect, it } from 'vitest';
import { asLedgerError } from './postgres-error.ts';

function databaseError(code: string): DatabaseError {
  const error = new DatabaseError('could not extend file "base/5/acme": for user acme_reader', 0, 'error');
  error.code = code;
  return error;
}

it('says what a full disk is, and repeats nothing that the database quotes', () => {
  const problem = asLedgerError(databaseError('53100')) as Error;
  expect(problem).toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
  expect(problem.message).toContain('53100, no space left on its disk');
  expect(problem.message).not.toContain('acme');
});

it('leaves a state that is no fault of the surroundings as it is: a bug', () => {
  const bug = databaseError('42601');
  expect(asLedgerError(bug)).toBe(bug);
});
