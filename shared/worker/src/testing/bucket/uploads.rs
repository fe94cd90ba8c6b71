//! The multipart uploads of a bucket in memory.

use std::collections::BTreeMap;

use aws_sdk_s3::{
    Client,
    error::ErrorMetadata,
    operation::{
        abort_multipart_upload::{AbortMultipartUploadError, AbortMultipartUploadOutput},
        complete_multipart_upload::{CompleteMultipartUploadError, CompleteMultipartUploadOutput},
        create_multipart_upload::CreateMultipartUploadOutput,
        list_multipart_uploads::ListMultipartUploadsOutput,
        upload_part::UploadPartOutput,
        upload_part_copy::UploadPartCopyOutput,
    },
    types::{ChecksumAlgorithm, CopyPartResult, MultipartUpload, error::NoSuchUpload},
};
use aws_smithy_mocks::{MockResponse, Rule, mock};

use super::{Bucket, checksum, e_tag, range, slow_down, source_key};

impl Bucket {
    pub(super) fn list_uploads(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::list_multipart_uploads).then_compute_output(move |call| {
            let mut output = ListMultipartUploadsOutput::builder();
            let state = bucket.state();
            for (id, (key, _)) in state
                .uploads
                .iter()
                .filter(|(_, (key, _))| key.starts_with(call.prefix().unwrap()))
            {
                output = output.uploads(MultipartUpload::builder().key(key).upload_id(id).build());
            }
            output.build()
        })
    }

    pub(super) fn create_upload(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::create_multipart_upload).then_compute_output(move |call| {
            bucket.run_before_write();
            let mut state = bucket.state();
            state.calls.push("create_multipart_upload");
            state.next_upload += 1;
            let id = state.next_upload.to_string();
            let key = call.key().unwrap().to_owned();
            if call.checksum_algorithm() == Some(&ChecksumAlgorithm::Crc32) {
                state.checked_uploads.insert(id.clone());
            }
            state.uploads.insert(id.clone(), (key, BTreeMap::new()));
            CreateMultipartUploadOutput::builder().upload_id(id).build()
        })
    }

    pub(super) fn upload_part(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::upload_part).then_compute_output(move |call| {
            bucket.run_before_write();
            let number = call.part_number().unwrap();
            let mut state = bucket.state();
            state.calls.push("upload_part");
            let (_, parts) = state.uploads.get_mut(call.upload_id().unwrap()).unwrap();
            let bytes = call.body().bytes().unwrap().to_vec();
            let output = UploadPartOutput::builder().e_tag(e_tag(&bytes));
            let output = output.checksum_crc32(checksum(&bytes)).build();
            parts.insert(number, bytes);
            output
        })
    }

    pub(super) fn copy_part(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::upload_part_copy).then_compute_output(move |call| {
            let mut state = bucket.state();
            state.calls.push("upload_part_copy");
            let (start, end) = range(call.copy_source_range().unwrap());
            let source = &state.objects[&source_key(call.copy_source().unwrap())];
            // A test claims a size above 256 MiB without the bytes: each part then holds its range.
            let bytes = source
                .get(start..end)
                .map_or_else(|| format!("{start}-{end};").into_bytes(), <[u8]>::to_vec);
            let (_, parts) = state.uploads.get_mut(call.upload_id().unwrap()).unwrap();
            let result = CopyPartResult::builder().e_tag(e_tag(&bytes));
            let result = result.checksum_crc32(checksum(&bytes)).build();
            parts.insert(call.part_number().unwrap(), bytes);
            UploadPartCopyOutput::builder()
                .copy_part_result(result)
                .build()
        })
    }

    pub(super) fn complete_upload(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::complete_multipart_upload).then_compute_response(move |call| {
            bucket.run_before_write();
            let mut state = bucket.state();
            state.calls.push("complete_multipart_upload");
            let id = call.upload_id().unwrap();
            let Some((_, parts)) = state.uploads.get(id) else {
                // S3's model lists no errors of this operation.
                let gone = ErrorMetadata::builder().code("NoSuchUpload").build();
                return MockResponse::Error(CompleteMultipartUploadError::generic(gone));
            };
            let is_checked = state.checked_uploads.contains(id);
            let stored = parts
                .iter()
                .map(|(at, part)| (*at, e_tag(part), is_checked.then(|| checksum(part))));
            let named = call.multipart_upload().unwrap().parts().iter();
            let named = named.map(|part| {
                let e_tag = part.e_tag().unwrap().to_owned();
                let checksum = part.checksum_crc32().map(str::to_owned);
                (part.part_number().unwrap(), e_tag, checksum)
            });
            if !named.eq(stored) {
                let wrong = ErrorMetadata::builder().code("InvalidPart").build();
                return MockResponse::Error(CompleteMultipartUploadError::generic(wrong));
            }
            let (key, parts) = state.uploads.remove(id).unwrap();
            state
                .objects
                .insert(key, parts.into_values().flatten().collect());
            MockResponse::Output(CompleteMultipartUploadOutput::builder().build())
        })
    }

    pub(super) fn abort_upload(&self) -> Rule {
        let bucket = self.clone();
        mock!(Client::abort_multipart_upload).then_compute_response(move |call| {
            bucket.run_before_write();
            let mut state = bucket.state();
            if state.down {
                return MockResponse::Error(AbortMultipartUploadError::generic(slow_down()));
            }
            if state.uploads.remove(call.upload_id().unwrap()).is_none() {
                let gone = NoSuchUpload::builder().build();
                return MockResponse::Error(AbortMultipartUploadError::NoSuchUpload(gone));
            }
            MockResponse::Output(AbortMultipartUploadOutput::builder().build())
        })
    }
}
