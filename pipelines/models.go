package pipelines

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"winback/pipelines/config"
	"winback/pipelines/model"
	"winback/pipelines/predict"
	sqlfiles "winback/sql"
)

// LoadModels reads the product's models, without a project, with their unit tests.
func LoadModels() (*model.Project, error) { return loadModels(&config.Models{}, withExamples) }

// examples says whether the unit tests of the product's models are wanted: to read
// them takes longer than all the rest, and only those who run or show them need them.
type examples bool

const (
	withExamples    examples = true
	withoutExamples examples = false
)

// loadModels reads the product's models, with those of the project's own folder
// laid over them, as far as the project wants them.
func loadModels(c *config.Models, wanted examples) (*model.Project, error) {
	options := []model.LoadOption{model.WithSources(contractColumns{}), model.WithComputations(predict.Computations())}
	if wanted == withoutExamples {
		options = append(options, model.WithVerified())
	}
	if dir := string(c.Dir); dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, &config.Error{Cause: c.Node.Get("dir").Errorf("there is no folder %s: make it, or have winback models copy make it with the first model", dir)}
		}
		options = append(options, model.WithOverlay(os.DirFS(dir), dir))
	}
	models, err := model.Load(sqlfiles.Files, options...)
	if err != nil {
		return nil, err
	}
	models, err = models.Restrict(c.Selectors())
	if unknown := (*model.UnknownSelectorError)(nil); errors.As(err, &unknown) {
		return nil, &config.Error{Cause: c.Node.Get("only").Errorf("%w; winback models list shows them", unknown)}
	}
	return models, err
}

// Why a model cannot be copied.
var (
	ErrOwnModel    = errors.New("is there already")
	ErrNoOwnModels = errors.New("names no folder for models of your own: add models: {dir: sql} to it")
)

// CopyModel copies the product's files of a model, seed or check into the
// project's own folder of models, where they take the place of the product's. It
// returns their paths. What is there already is not touched: an ErrOwnModel.
func CopyModel(o OpenOptions, name string) ([]string, error) {
	env := config.SystemEnv()
	env.Now = o.Now
	c, err := config.Load(o.Config, o.Registry, env)
	if err != nil {
		return nil, err
	}
	if c.Models.Dir == "" {
		return nil, fmt.Errorf("%s %w", c.Path, ErrNoOwnModels)
	}
	return copyModel(name, string(c.Models.Dir))
}

func copyModel(name, dir string) ([]string, error) {
	files, err := filesOf(name)
	if err != nil {
		return nil, err
	}
	var copied []string
	for _, file := range files {
		to := filepath.Join(dir, filepath.FromSlash(file))
		if _, err := os.Lstat(to); err == nil {
			return nil, fmt.Errorf("%s %w", to, ErrOwnModel)
		}
		copied = append(copied, to)
	}
	for i, file := range files {
		text, err := sqlfiles.Files.ReadFile(file)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(copied[i]), 0o755)
		}
		if err == nil {
			err = renameio.WriteFile(copied[i], text, 0o644)
		}
		if err != nil {
			return nil, fmt.Errorf("copy %s: %w", file, err)
		}
	}
	return copied, nil
}

// filesOf finds the product's files of a model, by its name or its table's.
func filesOf(name string) ([]string, error) {
	name = name[strings.LastIndexByte(name, '.')+1:]
	var files []string
	err := fs.WalkDir(sqlfiles.Files, ".", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.TrimSuffix(path.Base(file), path.Ext(file)) == name && strings.Contains(file, "/") {
			files = append(files, file)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		models, loadErr := LoadModels()
		if loadErr != nil {
			return nil, loadErr
		}
		_, err = models.Select([]string{name})
	}
	return files, err
}
