/** A JSON value: what crosses the workflow boundary. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
