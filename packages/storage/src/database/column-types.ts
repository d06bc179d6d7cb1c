import { type CustomTypesConfig, types } from 'pg';

/** bigint columns hold sizes, indices, fences and milliseconds, all below 2^53: as numbers, or not at all. */
export const columnTypes: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === types.builtins.INT8 && format !== 'binary'
      ? safeInteger
      : types.getTypeParser(oid, format as 'text')) as CustomTypesConfig['getTypeParser'],
};

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error('expected a stored integer below 2^53');
  return value;
}
