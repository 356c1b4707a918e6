/** What a process of the hand-written side is told. */
export type FloorOrder =
  | { readonly does: 'work'; readonly address: string; readonly bundle: string; readonly serviceUrl: string }
  | { readonly does: 'webhooks'; readonly address: string; readonly port: number };

/** What a process of our side is told; `trusting`: it takes a signed webhook's word for the result. */
export type OurOrder =
  | {
      readonly does: 'work';
      readonly address: string;
      readonly bundle: string;
      readonly serviceUrl: string;
      readonly trusting: boolean;
      /** Without it no webhooks are asked for, and jobs are polled. */
      readonly receiverUrl?: string;
    }
  | { readonly does: 'webhooks'; readonly address: string; readonly port: number; readonly trusting: boolean };
