import { normalCodes } from './normal-form.ts';

/**
 * What stands in countless values that are nobody's secret: the beginnings of tokens and, in keys, the names of
 * algorithms, which public keys have as well.
 */
const COMMON = [
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9',
  'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9',
  'eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9',
  'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9',
  'MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQ',
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ',
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA',
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg',
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE',
  'MC4CAQAwBQYDK2VwBCIEIA',
  'application/json;charset=utf-8',
  'abcdefghijklmnopqrstuvwxyz0123456789',
  '01234567890123456789',
  '00000000000000000000',
];

const windows = new Map<number, ReadonlySet<string>>();

/** Whether a window says nothing of the value that it stands in. */
export function isCommon(codes: Uint16Array): boolean {
  const width = codes.length;
  let known = windows.get(width);
  if (known === undefined) {
    known = new Set(COMMON.flatMap((text) => windowsOf(normalCodes(text), width)));
    windows.set(width, known);
  }
  return known.has(String.fromCharCode(...codes)) || codes.every((code) => code === codes[0]);
}

function windowsOf(codes: Uint16Array, width: number): string[] {
  const found: string[] = [];
  for (let at = 0; at + width <= codes.length; at += 1)
    found.push(String.fromCharCode(...codes.subarray(at, at + width)));
  return found;
}
