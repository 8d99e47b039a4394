<?php
// Runs the sign-in classes of the PHP app, one request per line of standard input:
// {"class": "IMAP", "arguments": [...], "name": "...", "password": "..."} is answered by {"uid", "groups", "rows", "error"}.
// What the classes need of the system around them is replaced by tables in memory. {"reset": true} empties them.
//
// php driver.php FOLDER-OF-THE-APP

namespace OC\User {
	abstract class Backend {
	}
}

namespace Psr\Log {
	interface LoggerInterface {
	}
}

namespace OCP {
	interface IDBConnection {
	}
	interface IUserManager {
	}
	interface IGroupManager {
	}
	final class Server {
		public static array $services = [];
		public static function get(string $name) {
			return self::$services[$name];
		}
	}
}

namespace Differential {
	final class Logger implements \Psr\Log\LoggerInterface {
		public array $lines = [];
		public function __call(string $level, array $arguments) {
			$this->lines[] = $arguments[0];
		}
	}

	/** The table users_external: rows of backend, uid and displayname. */
	final class Database implements \OCP\IDBConnection {
		public array $rows = [];
		public function getQueryBuilder() {
			return new Query($this);
		}
		public function escapeLikeParameter(string $text) {
			return addcslashes($text, '\\_%');
		}
	}

	/** As much of a query builder as the app uses: one table, conditions joined by AND. */
	final class Query {
		private string $verb = '';
		private array $conditions = [];
		private array $values = [];
		private array $found = [];
		public function __construct(private Database $database) {
		}
		public function select(...$columns) {
			$this->verb = 'select';
			return $this;
		}
		public function insert(string $table) {
			$this->verb = 'insert';
			return $this;
		}
		public function update(string $table) {
			$this->verb = 'update';
			return $this;
		}
		public function delete(string $table) {
			$this->verb = 'delete';
			return $this;
		}
		public function from(string $table) {
			return $this;
		}
		public function values(array $values) {
			$this->values = $values;
			return $this;
		}
		public function set(string $column, $value) {
			$this->values[$column] = $value;
			return $this;
		}
		public function where($condition) {
			$this->conditions[] = $condition;
			return $this;
		}
		public function andWhere($condition) {
			return $this->where($condition);
		}
		public function orWhere($condition) {
			throw new \LogicException('OR is not known here');
		}
		public function expr() {
			return $this;
		}
		public function func() {
			return $this;
		}
		public function count(...$what) {
			return 'COUNT';
		}
		public function createNamedParameter($value) {
			return $value;
		}
		public function eq(string $column, $value) {
			return fn (array $row) => ($row[$column] ?? null) === $value;
		}
		public function iLike(string $column, $pattern) {
			$regex = '';
			for ($at = 0; $at < strlen($pattern); $at++) {
				$regex .= match ($pattern[$at]) {
					'%' => '.*',
					'_' => '.',
					'\\' => preg_quote($pattern[++$at] ?? '', '/'),
					default => preg_quote($pattern[$at], '/'),
				};
			}
			return fn (array $row) => preg_match('/^' . $regex . '$/isu', (string)($row[$column] ?? '')) === 1;
		}
		private function matching(): array {
			$fits = fn (array $row) => array_reduce($this->conditions, fn ($so_far, $fits) => $so_far && $fits($row), true);
			return array_filter($this->database->rows, $fits);
		}
		public function executeQuery() {
			$this->found = array_values($this->matching());
			return $this;
		}
		public function executeStatement() {
			if ($this->verb === 'insert') {
				$this->database->rows[] = $this->values;
				return 1;
			}
			$keys = array_keys($this->matching());
			foreach ($keys as $key) {
				if ($this->verb === 'delete') {
					unset($this->database->rows[$key]);
				} else {
					$this->database->rows[$key] = array_merge($this->database->rows[$key], $this->values);
				}
			}
			return count($keys);
		}
		public function fetch() {
			return array_shift($this->found) ?? false;
		}
		public function fetchOne() {
			return count($this->found);
		}
		public function closeCursor() {
		}
	}

	final class Users implements \OCP\IUserManager {
		public function getByEmail(string $email) {
			return [];
		}
		public function get(string $uid) {
			return $uid;
		}
	}

	final class Groups implements \OCP\IGroupManager {
		public array $joined = [];
		private string $group = '';
		public function createGroup(string $group) {
			$this->group = $group;
			return $this;
		}
		public function addUser($user) {
			$this->joined[] = $this->group;
		}
	}
}

namespace {
	use Differential\Database;
	use Differential\Groups;
	use Differential\Logger;
	use Differential\Users;
	use OCP\Server;

	error_reporting(E_ALL & ~E_DEPRECATED);
	ini_set('display_errors', 'stderr');
	$app = $argv[1];
	spl_autoload_register(function (string $class) use ($app) {
		$file = $app . '/lib/' . basename(str_replace('\\', '/', $class)) . '.php';
		if (str_starts_with($class, 'OCA\\UserExternal\\') && is_file($file)) {
			require $file;
		}
	});
	$database = new Database();
	while (($line = fgets(STDIN)) !== false) {
		$request = json_decode($line, true, 16, JSON_THROW_ON_ERROR);
		if ($request['reset'] ?? false) {
			$database->rows = [];
			continue;
		}
		$groups = new Groups();
		$logger = new Logger();
		Server::$services = [
			\Psr\Log\LoggerInterface::class => $logger,
			\OCP\IDBConnection::class => $database,
			\OCP\IUserManager::class => new Users(),
			\OCP\IGroupManager::class => $groups,
		];
		$answer = ['uid' => false, 'groups' => [], 'rows' => [], 'error' => null];
		try {
			$class = 'OCA\\UserExternal\\' . $request['class'];
			$backend = new $class(...$request['arguments']);
			$uid = $backend->checkPassword($request['name'], $request['password']);
			$answer = ['uid' => $uid, 'groups' => $groups->joined, 'rows' => array_values($database->rows)] + $answer;
		} catch (\Throwable $error) {
			$answer['error'] = get_class($error) . ': ' . $error->getMessage();
		}
		$answer['log'] = $logger->lines;
		echo json_encode($answer, JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE), "\n";
	}
}
