/** What these tests use of pdfkit, which brings no types. */
declare module 'pdfkit' {
  import type { Readable } from 'node:stream';

  export class PDFDocument extends Readable {
    constructor(options?: {
      readonly userPassword?: string;
      readonly ownerPassword?: string;
      readonly compress?: boolean;
    });
    text(text: string): this;
    addPage(): this;
    image(source: Buffer, options?: { readonly width?: number }): this;
    end(): void;
  }
}
