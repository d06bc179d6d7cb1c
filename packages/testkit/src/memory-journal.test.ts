import { describe, expect, it } from 'vitest';
import { journalContract } from './journal-contract.ts';
import { MemoryJournal } from './memory-journal.ts';
import { commitOf } from './statement-source.ts';

journalContract('the memory journal', async () => ({
  journal: new MemoryJournal(),
  close: async () => undefined,
}));

describe('a memory journal that was told to fail', () => {
  it('throws, keeps nothing, and works again afterwards', async () => {
    const journal = new MemoryJournal();
    journal.failure = new Error('the disk is full');
    const commit = commitOf('acme', 's1', undefined);
    await expect(journal.commit(commit)).rejects.toThrow('the disk is full');
    expect(journal.head('acme', 's1')).toBeUndefined();
    journal.failure = undefined;
    expect(await journal.commit(commit)).toEqual({ ok: true, firstIndex: 0 });
  });
});
