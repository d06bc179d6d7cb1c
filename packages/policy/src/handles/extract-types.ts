import { FIELD_TYPES } from '../checks/flow/field-types.ts';

export const EXTRACT_TYPES = [...FIELD_TYPES, 'enum'] as const;
export type ExtractType = (typeof EXTRACT_TYPES)[number];
