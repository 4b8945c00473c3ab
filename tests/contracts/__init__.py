"""The same cases over the fakes and over the real adapters: what a fake promises, storage keeps."""
