import { MemorySecretRows } from './memory-secret-rows.ts';
import { describeSecretRowsContract } from './secret-rows-contract.ts';

describeSecretRowsContract('memory', async () => {
  const rows = new MemorySecretRows();
  return { rows, another: rows, close: async () => undefined };
});
