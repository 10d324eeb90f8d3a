//! Code shared by the WIT versions. The files in this directory are not submodules of `common`: each version includes
//! them by path, so that they are compiled against its generated types. Differences between versions are in each
//! version's `versioned`.

/// The resource that a guest holds during a call. It carries no data: the store holds the only current statement.
pub enum Statement {}

/// The match is exhaustive, so a variant missing on one side does not compile.
macro_rules! lowered {
    ($name:ident: $type:ident { $($case:ident),* $(,)? }) => {
        pub(super) fn $name(value: contract::$type) -> types::$type {
            match value { $(contract::$type::$case => types::$type::$case,)* }
        }
    };
}

/// Implements a version's `host.statement`: the shared methods, and those passed in.
macro_rules! statement_methods {
    ($($own:item)*) => {
        impl host::HostStatement for GuestData {
            $($own)*

            fn sql(&mut self, _: Resource<Statement>) -> wasmtime::Result<String> {
                Ok(self.statement()?.sql())
            }

            async fn normalized(&mut self, _: Resource<Statement>) -> wasmtime::Result<String> {
                let is_long = self.statement()?.length() > crate::view::SHORT_TEXT;
                self.leave_foreign_thread(is_long).await;
                let normalized = self.statement()?.normalized();
                normalized.ok_or_else(|| wasmtime::Error::msg("the statement could not be normalized"))
            }

            async fn ast_json(
                &mut self,
                _: Resource<Statement>,
            ) -> wasmtime::Result<Option<String>> {
                self.leave_foreign_thread(true).await;
                Ok(self.statement()?.ast_json())
            }

            fn session(&mut self, _: Resource<Statement>) -> wasmtime::Result<types::Session> {
                Ok(session(self.statement()?.session()))
            }

            fn parameters(
                &mut self,
                _: Resource<Statement>,
            ) -> wasmtime::Result<Vec<types::Parameter>> {
                let parameters = self.statement()?.parameters();
                Ok(parameters.into_iter().map(lower::parameter).collect())
            }

            fn outputs(
                &mut self,
                _: Resource<Statement>,
            ) -> wasmtime::Result<Vec<Vec<types::ColumnSourceResult>>> {
                let outputs = self.statement()?.outputs();
                Ok(outputs.into_iter().map(lower::owned_sources).collect())
            }

            fn flows(&mut self, _: Resource<Statement>) -> wasmtime::Result<Vec<types::DataFlow>> {
                let flows = self.statement()?.flows();
                Ok(flows.into_iter().map(lower::flow).collect())
            }

            fn equated(&mut self, _: Resource<Statement>) -> wasmtime::Result<Vec<u32>> {
                Ok(self.statement()?.equated())
            }

            fn comment_tag(
                &mut self,
                _: Resource<Statement>,
                key: String,
            ) -> wasmtime::Result<Option<String>> {
                Ok(self.statement()?.comment_tag(&key))
            }

            // Guests only borrow the resource, so there is nothing to release.
            fn drop(&mut self, _: Resource<Statement>) -> wasmtime::Result<()> {
                Ok(())
            }
        }
    };
}

pub(super) use {lowered, statement_methods};
